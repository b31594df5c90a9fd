#!/usr/bin/env python3
"""Runs PyTorch's OpInfo database through torch.compile and compares with eager.

    run.py --all --out docs/OpInfo.md     # everything, writes the table
    run.py --ops add,mm --dtypes float32  # some of it, prints the results

Results are kept in a file of JSON lines; what is in it is not run again.
"""

import argparse
import json
import os
import queue
import select
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DTYPES = ["float32", "bfloat16", "int64", "bool"]
DIRECTIONS = ["forward", "gradient"]

# A worker's memory grows with what it has compiled.
JOBS_PER_WORKER = 150


def load_results(path):
    """(operator, dtype, direction) -> result; the last line counts."""
    results = {}
    if os.path.exists(path):
        with open(path) as file:
            for line in file:
                result = json.loads(line)
                key = result["op"], result["dtype"], result["direction"]
                results[key] = result
    return results


class Worker:
    """A worker.py process, restarted when it ends."""

    def __init__(self, args):
        self.args = args
        self.process = None
        self.log = tempfile.TemporaryFile()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "worker.py"), "--backend",
             self.args.backend, "--samples", str(self.args.samples),
             "--options", self.args.options,
             *(["--reference"] if self.args.reference else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
            cwd=tempfile.gettempdir())
        self.jobs = 0
        self.buffer = b""

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def read_line(self, timeout):
        """A line, or None at the end of the output or of the time."""
        end = time.monotonic() + timeout
        stream = self.process.stdout.fileno()
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([stream], [], [], left)[0]:
                return None
            data = os.read(stream, 1 << 16)
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def run(self, name, dtype, directions):
        """The results of one operator, one for each direction."""
        if self.process and self.jobs >= JOBS_PER_WORKER:
            self.stop()
        if not self.process:
            self.start()
        self.jobs += 1
        for position, direction in enumerate(directions):
            if position == 0 or not self.process:
                if not self.process:
                    self.start()
                job = f"{name} {dtype} {','.join(directions[position:])}\n"
                self.process.stdin.write(job.encode())
                self.process.stdin.flush()
            result = self.read_line(self.args.timeout)
            if result is None:
                code = self.process.poll()
                if code is None:
                    try:
                        code = self.process.wait(timeout=1)
                    except subprocess.TimeoutExpired:
                        pass
                detail = (f"no result in {self.args.timeout} s" if code is None
                          else f"crash, exit code {code}")
                self.stop()
                result = {"op": name, "dtype": dtype, "direction": direction,
                          "status": "error", "detail": detail, "samples": 0}
            yield result


def list_jobs(args, results):
    """(operator, dtype, directions) that are still to be run."""
    sys.path.insert(0, HERE)
    import samples

    operators = samples.operators()
    names = args.ops.split(",") if args.ops else sorted(operators)
    unknown = [name for name in names if name not in operators]
    if unknown:
        sys.exit(f"run.py: not in the database: {', '.join(unknown)}")
    jobs = []
    for dtype in args.dtypes.split(","):
        for name in names:
            directions = [
                d for d in args.directions.split(",")
                if samples.supports(operators[name], samples.DTYPES[dtype], d)
                and (name, dtype, d) not in results]
            if args.retry:
                directions = [
                    d for d in args.directions.split(",")
                    if results.get((name, dtype, d), {}).get("status")
                    in args.retry.split(",")]
            if directions:
                jobs.append((name, dtype, directions))
    return jobs


def run_jobs(args, jobs, file):
    todo = queue.SimpleQueue()
    for job in jobs:
        todo.put(job)
    lock = threading.Lock()
    done = 0

    def work():
        nonlocal done
        worker = Worker(args)
        while True:
            try:
                job = todo.get_nowait()
            except queue.Empty:
                worker.stop()
                return
            for result in worker.run(*job):
                with lock:
                    file.write(json.dumps(result) + "\n")
                    file.flush()
            with lock:
                done += 1
                if done % 50 == 0:
                    print(f"{done} of {len(jobs)}", file=sys.stderr)

    threads = [threading.Thread(target=work) for _ in range(args.workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--all", action="store_true",
                        help="every operator of the database")
    parser.add_argument("--ops", help="operators, separated by commas")
    parser.add_argument("--dtypes", default=",".join(DTYPES))
    parser.add_argument("--directions", default=",".join(DIRECTIONS))
    parser.add_argument("--samples", type=int, default=3,
                        help="samples of an operator (default: 3)")
    parser.add_argument("--reference", action="store_true",
                        help="OpInfo's reference samples: extremal values")
    parser.add_argument("--backend", default="fx_mlir")
    parser.add_argument("--options", default="{}",
                        help="the backend's options as JSON")
    parser.add_argument("--inductor", action="store_true",
                        help="run Inductor instead: what it can do")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--timeout", type=int, default=300,
                        help="seconds for one operator and direction")
    parser.add_argument("--results", help="file of results, default in build/")
    parser.add_argument("--retry", help="run again what has these statuses")
    parser.add_argument("--out", help="write the table to this file")
    args = parser.parse_args()
    if not (args.all or args.ops or args.out):
        parser.error("--all, --ops or --out")
    if args.inductor:
        args.backend = "inductor"
    if not args.results:
        folder = os.path.join(ROOT, "build")
        os.makedirs(folder, exist_ok=True)
        args.results = os.path.join(folder, f"opinfo-{args.backend}.jsonl")
    if args.ops:  # A few operators are always run.
        results = {}
    else:
        results = load_results(args.results)
    if args.all or args.ops:
        jobs = list_jobs(args, results)
        with open(args.results, "a") as file:
            run_jobs(args, jobs, file)
        results = load_results(args.results)
    if args.ops:
        names = set(args.ops.split(","))
        for result in results.values():
            if result["op"] in names:
                print(json.dumps(result))
    if args.out:
        import table

        inductor = load_results(os.path.join(
            os.path.dirname(args.results), "opinfo-inductor.jsonl"))
        with open(args.out, "w") as file:
            file.write(table.markdown(results, inductor))


if __name__ == "__main__":
    main()
