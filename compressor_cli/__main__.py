"""`python -m compressor_cli`."""

from compressor_cli.app import main

if __name__ == "__main__":
    main()
