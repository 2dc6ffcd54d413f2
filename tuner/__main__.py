"""`python -m tuner` is the same program as the `tuner` console script."""

from tuner.cli.app import main

if __name__ == "__main__":
    main()
