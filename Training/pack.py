"""Cut the training data into tar files of at most 60 MiB, to carry it to a machine with a GPU.

    pack.py --data ../shared/referring --out PARTS        there: for p in PARTS/*.tar; do tar -xf $p -C DATA; done

Everything else is made from it by label.py, prepare.py, teacher.py and things.py.
"""
import argparse
import os
import tarfile

LIMIT = 60 << 20
END = 20 << 10                                              # what closes a tar file, with room


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", default=os.environ.get("REFERRING_DATA", "../shared/referring"))
    ap.add_argument("--out", required=True)
    a = ap.parse_args()
    os.makedirs(a.out, exist_ok=True)
    files = sorted(os.path.join(folder, f) for folder, _, names in os.walk(a.data) for f in names)
    part, used, tar = 0, LIMIT, None
    for path in files:
        need = 1024 + -(-os.path.getsize(path) // 512) * 512
        if need > LIMIT - END:
            raise SystemExit(f"{path} is larger than a part may be")
        if used + need > LIMIT - END:
            if tar:
                tar.close()
            tar, part, used = tarfile.open(f"{a.out}/part{part:02d}.tar", "w", format=tarfile.USTAR_FORMAT), part + 1, 0
        tar.add(path, os.path.relpath(path, a.data))
        used += need
    tar.close()
    print(part, "parts,", len(files), "files")


if __name__ == "__main__":
    main()
