"""Topics of the contract.

* `contract`: every topic, its settings, and how a broker's differs.
* `admin`: creates the topics and compares them; refuses a start on topics that differ.
* `ownership`: gives the topics over to another app id.
"""
