"""A headless Chromium, as Debian's packages `chromium` and `chromium-driver` install it."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from selenium import webdriver

from tests.helpers import programs


@contextlib.contextmanager
def opened(downloads: str, *, width: int = 1000, height: int = 900) -> Iterator[webdriver.Chrome]:
    """Starts a browser that keeps its console and what it asks of the network.

    Args:
      downloads: The folder of what is downloaded.
      width, height: Of its window, in pixels.
    """
    browser, driver = programs.need("chromium", "chromedriver", packages="chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    # Chromium runs no sandbox as root, nor in most containers; what it opens here is our own page alone.
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--window-size={width},{height}"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": downloads})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        yield chrome
    finally:
        chrome.quit()


def emulate(chrome: webdriver.Chrome, *, width: int = 1000, height: int = 900, scheme: str = "light") -> None:
    """Has the page see a screen of that size, in pixels, and a liking for that colour scheme and for no motion."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    liked = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    features = [{"name": name, "value": value} for name, value in liked.items()]
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def requested(chrome: webdriver.Chrome) -> list[str]:
    """The addresses that were asked for since the last call."""
    events: list[dict[str, Any]] = [json.loads(entry["message"])["message"] for entry in chrome.get_log("performance")]
    return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
