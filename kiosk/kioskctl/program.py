"""The second program of the bundle; elsewhere the entry point of setup.cfg is the same."""

from kiosk.kioskctl import main

if __name__ == "__main__":
    main()
