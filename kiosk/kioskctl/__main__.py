"""`python -m kiosk.kioskctl`, and the second program of the bundle."""

from kiosk.kioskctl import main

if __name__ == "__main__":
    main()
