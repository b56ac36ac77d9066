"""`make bench`: cost of Foldstream's worker next to a hand-written loop, in one run on a broker of its own. Nothing is asserted.

Compare figures of one run only: machines differ, and so does one machine from hour to hour. If the last column, other load, is marked with (!),
something else was running: repeat the run.
"""

import argparse
import signal
from collections.abc import Callable

from bench import fulfilment, growth, hotspots, latency, many, rolling, takeover, throughput
from bench.place import Place, place

Chosen = argparse.Namespace

MEASUREMENTS: dict[str, Callable[[Place, Chosen], None]] = {
    "throughput": lambda there, chosen: throughput.run(there, chosen.commands, chosen.repeat),
    "latency": lambda there, chosen: latency.run(there, chosen.seconds),
    "takeover": lambda there, chosen: takeover.run(there, chosen.aggregates),
    "growth": lambda there, chosen: growth.run(there, chosen.orders),
    "partitions": lambda there, chosen: many.run(there, chosen.partitions),
    "rolling": lambda there, _chosen: rolling.run(there),
    "fulfilment": lambda there, chosen: fulfilment.run(there, chosen.seconds, chosen.minutes),
    "profile": lambda there, chosen: hotspots.run(there, chosen.commands),
    "profile-takeover": lambda there, chosen: hotspots.run_takeover(there, chosen.aggregates),
}
TABLE = ["throughput", "latency", "takeover", "growth", "partitions", "rolling"]

ABOUT = {
    "throughput": "commands/s and CPU per command of the worker, its write side alone, and two loops by hand, one with all of its records",
    "latency": "from when a command was due to when its event is seen, at 1,000 commands/s, for the same three",
    "takeover": "seconds until one partition with many orders serves again, after a kill, after a clean stop, and from an empty disk",
    "growth": "cost per command and memory with ever more orders there",
    "partitions": "seconds until one worker serves many partitions, and its memory",
    "rolling": "how long each partition stands still while four workers are restarted in turn under load",
    "fulfilment": "orders all the way through their sagas: from POST to CONFIRMED, how many a second, and the lag under 70 % of that",
    "profile": "where the worker's CPU time goes, by function",
    "profile-takeover": "the same while it takes a partition over from an empty disk",
}


def main() -> None:
    """Run the chosen measurements and print the table of each as it ends. Ctrl-C ends all processes and removes all files of the run."""
    chosen = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with place(chosen.port) as there:
            for name in chosen.measurement:
                MEASUREMENTS[name](there, chosen)
    except KeyboardInterrupt:
        raise SystemExit("\ninterrupted; everything that was started has ended") from None


def _parser() -> argparse.ArgumentParser:
    about = "\n".join(f"  {name:<18}{text}" for name, text in ABOUT.items())
    parser = argparse.ArgumentParser(prog="python -m bench", description=f"{__doc__}\n{about}", formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measurement", nargs="*", type=_measurement, default=TABLE, help=f"any of the above, in this order (default: {' '.join(TABLE)})")
    parser.add_argument("--commands", type=_positive, default=100_000, metavar="N", help="of each run of throughput and profile (default 100,000)")
    parser.add_argument("--repeat", type=_positive, default=3, metavar="N", help="runs of each engine, in turns, of which the median counts (default 3)")
    parser.add_argument("--seconds", type=_positive, default=15, metavar="S", help="how long latency is measured, after 5 s of warm-up (default 15)")
    parser.add_argument("--minutes", type=_positive, default=10, metavar="M", help="how long the lag of fulfilment is sampled (default 10)")
    parser.add_argument("--aggregates", type=_positive, default=200_000, metavar="N", help="orders in the partition that is taken over (default 200,000)")
    parser.add_argument("--orders", type=_sizes, default=[10_000, 100_000], metavar="N,N", help="sizes at which growth is measured (default 10000,100000)")
    parser.add_argument("--partitions", type=_positive, default=64, metavar="N", help="of the one worker that has many (default 64)")
    parser.add_argument("--port", type=_positive, default=29_192, help="of the broker that is started; the next one is its controller's (default 29192)")
    return parser


def _measurement(text: str) -> str:
    if text not in MEASUREMENTS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(MEASUREMENTS)}")
    return text


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _sizes(text: str) -> list[int]:
    """Parse growing numbers, separated by commas."""
    sizes = [_positive(each) for each in text.split(",")]
    if sizes != sorted(set(sizes)):
        raise argparse.ArgumentTypeError("each larger than the one before")
    return sizes


if __name__ == "__main__":
    main()
