"""Headless Chromium, and the viewer's pages as one who reads them finds them."""

import colorsys
import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--hide-scrollbars", "--mute-audio"),
)
ALONE = ("file:", "data:", "about:", "chrome:")  # addresses that leave nothing


def started():
    """A browser of its own, whose console and requests are written down."""
    options = webdriver.ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, NAMES)))
    for flag in FLAGS:
        options.add_argument(flag)
    logs = {"browser": "ALL", "performance": "ALL"}
    options.set_capability("goog:loggingPrefs", logs)
    service = Service(shutil.which("chromedriver"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "localhost,127.0.0.1")  # the driver is there
        return webdriver.Chrome(options=options, service=service)


class Reader:
    """One who looks at a page, clicks and types."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, page, folder):
        """Loads a page from its file, in a wide window."""
        self.see(1440, 900)
        self.driver.get(page.save(folder / "credit.html").as_uri())

    def see(self, width, height, *, dark=False):
        """Sets the window's size and the colours that the reader prefers."""
        sizes = dict(width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", sizes)
        scheme = dict(name="prefers-color-scheme", value="dark" if dark else "light")
        asked = dict(features=[scheme])
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", asked)

    def run(self, script):
        """What a function body in JavaScript returns."""
        return self.driver.execute_script(script)

    def all(self, selector):
        """Elements, in their order."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        """The first; an error where there is none."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector):
        """What is written in the elements, whether they are in view or not."""
        return [found.get_attribute("textContent") for found in self.all(selector)]

    def click(self, selector):
        """Clicks on the first."""
        self.one(selector).click()

    def press(self, *keys):
        """Types to the page, not to a field of it."""
        named = [getattr(Keys, key.upper(), key) for key in keys]
        self.one("body").send_keys(*named)

    def now(self):
        """Title of the trajectory, and step of how many."""
        return self.texts(".title h2")[0], self.texts("aside h2")[0]

    def picture(self, selector="html"):
        """The pixels of the first, [height, width, 3]."""
        png = self.one(selector).screenshot_as_png
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))

    def hue(self, selector):
        """Hue and saturation of the most frequent colour in an element."""
        pixels = self.picture(selector).reshape(-1, 3)
        colours, counts = np.unique(pixels, axis=0, return_counts=True)
        red, green, blue = (colours[counts.argmax()] / 255).tolist()
        return colorsys.rgb_to_hsv(red, green, blue)[:2]

    def complaints(self):
        """What the console said, and addresses that a page asked for elsewhere."""
        said = [entry["message"] for entry in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            event = json.loads(entry["message"])["message"]
            if event["method"] == "Network.requestWillBeSent":
                address = event["params"]["request"]["url"]
                said += [] if address.startswith(ALONE) else [address]
        return said
