"""The pages of imports in a real browser: a merchant brings goods in, with and without script, on every width."""

from pathlib import Path

import pytest

from tests.browser.test_console import sign_in
from tests.browser.visiting import Visitor, faults

pytestmark = pytest.mark.browser

TABLE = "Artikel,Name,Preis,Bestand,Notiz\nIMP-{0}-1,Laterne,19.90,5,x\nIMP-{0}-2,Kerze,0,7,y\n"
WIDTHS = (360, 820, 1440)
PATIENCE_MS = 60_000


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_file_comes_in(visitor: Visitor, tmp_path: Path, script: bool) -> None:
    """Sent, looked at, its map changed, tried out, imported: each step shows what the next one will do."""
    file = tmp_path / "waren.csv"
    file.write_text(TABLE.format(int(script)))
    page = visitor(width=1440, java_script_enabled=script)
    sign_in(page, "merchant")
    page.goto("/console/imports")
    page.locator("#file").set_input_files(str(file))
    page.locator("main form[enctype] button").click()
    page.wait_for_url("**/console/imports/imp_*")
    assert page.locator("#column-0").input_value() == "sku"
    assert page.locator("#column-4").input_value() == ""
    page.locator("#column-4").fill("attribute.note")
    page.locator("button[value=try]").click()
    for _ in range(60):
        if page.locator("button[value=start]").count():
            break
        page.wait_for_timeout(1_000)
        if not script:
            page.reload()
    words = page.locator("main").inner_text()
    assert "What would happen" in words
    assert "The price is zero" in words
    if script:
        assert faults(page) == []
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, width
    page.locator("button[value=start]").click()
    page.get_by_text("What happened").wait_for(timeout=PATIENCE_MS)
    for _ in range(60):
        if page.locator(".tag.good").count():
            break
        page.wait_for_timeout(1_000)
        if not script:
            page.reload()
    with page.expect_download() as download:
        page.locator("a[href$='refused.csv']").click()
    assert "price_zero" in Path(download.value.path()).read_text()
    page.goto("/console/imports")
    assert page.locator("main table tbody tr").first.inner_text().startswith("waren.csv")


def test_goods_go_out(visitor: Visitor) -> None:
    """The export button gives a file; the list of imports is fit for everyone."""
    page = visitor(width=360)
    sign_in(page, "merchant")
    page.goto("/console/imports")
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    page.locator("#format").select_option("google-xml")
    with page.expect_download() as download:
        page.locator("form[action$=export] button").click()
    assert Path(download.value.path()).read_bytes().startswith(b"<?xml")
