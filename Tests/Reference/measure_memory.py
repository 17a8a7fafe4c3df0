#!/usr/bin/env python3
"""Peak memory and time of one request for a checkpoint folder, by the operating system's own account.

    measure_memory.py PROGRAM PICTURE CHECKPOINT [CHECKPOINT ...]

PROGRAM is the built mllmseg. Prints a Markdown row for each: the whole run (load, one picture, two phrases)
with weights left in the mapped file. ru_maxrss counts mapped pages too, so it is an upper bound.
"""
import os
import resource
import subprocess
import sys
import time


def main():
    program, picture, *checkpoints = sys.argv[1:]
    if not checkpoints:
        sys.exit(__doc__)
    print("| checkpoint | stored GB | peak resident GB | load and two phrases, s |\n| --- | --- | --- | --- |")
    for checkpoint in checkpoints:
        stored = sum(os.path.getsize(f"{checkpoint}/{name}") for name in os.listdir(checkpoint)
                     if name.endswith(".safetensors"))
        # A process of its own for each, because ru_maxrss is the largest of all children.
        reader, writer = os.pipe()
        if os.fork() == 0:
            start = time.time()
            run = subprocess.run([program, "segment", picture, "the dog", "a cat", "--model", checkpoint],
                                 stdout=subprocess.DEVNULL)
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
            os.write(writer, f"{run.returncode} {peak} {time.time() - start}".encode())
            os._exit(0)
        os.wait()
        code, peak, seconds = os.read(reader, 100).decode().split()
        if code != "0":
            sys.exit(f"{checkpoint}: mllmseg failed")
        print(f"| {os.path.basename(checkpoint)} | {stored / 1e9:.2f} | {int(peak) / 1e9:.2f} "
              f"| {float(seconds):.1f} |", flush=True)


if __name__ == "__main__":
    main()
