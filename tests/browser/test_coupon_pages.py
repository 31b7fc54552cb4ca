"""Coupons and booklets in a real browser: made by a marketer, collected, used and stamped by a shopper."""

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.test_draw_pages import staff
from tests.browser.test_places import make_place
from tests.browser.test_shopper_accounts import buy, sign_up
from tests.browser.visiting import Visitor, faults, fill_time


def _make_coupon(page: Page, name: str, way: str, *, quota: str = "5", word: str = "", least: str = "") -> str:
    """A coupon of three euros off, made by the form; its page in the console."""
    page.goto("/console/coupons/new")
    page.locator("#name_en").fill(name)
    page.locator("#effect-amount").check()
    page.locator("#amount").fill("3.00")
    page.locator("#minimum").fill(least)
    page.locator("#way").select_option(way)
    page.locator("#quota").fill(quota)
    page.locator("#word").fill(word)
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_contain_text("€3.00 off")
    assert faults(page) == []
    page.get_by_role("button", name="Make the coupon").click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
    assert faults(page) == []
    return page.url


def _put_in(page: Page) -> None:
    page.goto("/products/pepper-mill")
    with page.expect_response("**/cart/lines"):
        page.get_by_role("button", name="Add to cart").first.click()


def test_a_coupon_from_the_form_to_the_cart(visitor: Visitor) -> None:
    """A guest is told what is missing; a shopper collects the marketer's coupon with one press, finds it in the
    account, and the cart is three euros cheaper by itself; the console counts it, and its end is seen at once."""
    marketer, operator = staff(visitor, "marketer"), staff(visitor, "operator")
    console = _make_coupon(marketer, "Three off of the tests", "open")
    page = visitor(width=360)
    page.goto("/coupons")
    expect(page.get_by_role("heading", name="First say who you are")).to_be_visible()
    assert faults(page) == []
    sign_up(page, operator, "coupons.test@example.org")
    page.goto("/coupons")
    page.get_by_role("button", name="Collect: Three off of the tests").click()
    expect(page.get_by_text("The coupon is yours.")).to_be_visible()
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.goto("/account/coupons")
    mine = page.locator("li.coupon", has_text="Three off of the tests")
    expect(mine).to_contain_text("Ready")
    assert faults(page) == []
    _put_in(page)
    page.goto("/cart")
    expect(page.locator("#cart")).to_contain_text("Three off of the tests")
    marketer.goto(console)
    expect(marketer.locator("#held")).to_have_text("1 / 5")
    marketer.get_by_role("button", name="End the coupon").click()
    expect(marketer.get_by_text("over", exact=True)).to_be_visible()
    page.goto("/account/coupons")
    expect(mine).to_contain_text("Over")


def test_single_codes_are_downloaded_and_taken_once(visitor: Visitor, tmp_path: Path) -> None:
    """A marketer loads three codes as a file; the first shopper who types one in the cart has the coupon, the second
    is told that it is taken; the cart says why a coupon does not apply yet."""
    marketer, operator = staff(visitor, "marketer"), staff(visitor, "operator")
    _make_coupon(marketer, "By code", "codes", quota="3", least="900.00")
    with marketer.expect_download() as download:
        marketer.get_by_role("link", name="All codes (CSV)").click()
    target = tmp_path / "codes.csv"
    download.value.save_as(target)
    rows = list(csv.DictReader(io.StringIO(target.read_text())))
    assert [row["taken"] for row in rows] == ["no", "no", "no"]
    code = rows[0]["code"]
    first, second = visitor(width=360), visitor(width=360)
    sign_up(first, operator, "first.code@example.org")
    _put_in(first)
    first.goto("/cart")
    first.get_by_label("Do you have a code?").fill(code.lower())
    first.get_by_role("button", name="Use it").click()
    expect(first.locator("#cart")).to_contain_text("By code")
    sign_up(second, operator, "second.code@example.org")
    second.goto("/coupons")
    second.get_by_label("Code", exact=True).fill(code)
    second.get_by_role("button", name="Collect", exact=True).click()
    expect(second.get_by_text("This code was taken by somebody else.")).to_be_visible()


def test_a_booklet_turns_into_a_coupon(visitor: Visitor) -> None:
    """A merchant makes a place, and a marketer a booklet by the form: a visit, a purchase from that merchant, the
    merchant's place. A shopper earns all three, and with the last the coupon stands in the account; the merchant reads
    how many take part. The page has no serious fault at 360 pixels."""
    marketer, operator, merchant = (staff(visitor, role) for role in ("marketer", "operator", "merchant"))
    make_place(merchant, "stamp-arcade")
    place = "/place/" + merchant.locator("#address").inner_text().rpartition("/")[2]
    _make_coupon(marketer, "Won by stamps", "won")
    marketer.goto("/console/booklets/new")
    marketer.locator("#name_en").fill("Booklet of the tests")
    fill_time(marketer, "closes_at", datetime.now(UTC) + timedelta(days=1))
    stamps = (("Tea", "visit", "/goods"), ("Kitchen", "buy", "lantern-kitchen"), ("Arcade", "place", "stamp-arcade"))
    for number, (label, act, where) in enumerate(stamps, start=1):
        marketer.locator(f"#stamp{number}_label").fill(label)
        marketer.locator(f"#stamp{number}_act").select_option(act)
        marketer.locator(f"#stamp{number}_where").fill(where)
    marketer.locator("#reward1_stamps").fill("3")
    marketer.locator("#reward1_coupon").select_option(label="Won by stamps")
    assert faults(marketer) == []
    marketer.get_by_role("button", name="Make the booklet").click()
    marketer.get_by_role("link", name="Booklet of the tests").wait_for()
    path = marketer.get_by_role("link", name="Booklet of the tests").get_attribute("href") or ""
    page = visitor(width=360)
    sign_up(page, operator, "stamps.test@example.org")
    page.goto(path)
    page.get_by_role("button", name="Visit Tea").click()
    page.wait_for_url("**/goods")
    page.goto(path)
    expect(page.locator(".stamp.has")).to_have_count(1)
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="I have bought: Kitchen").click()
    expect(page.get_by_text("No paid order has earned this stamp yet.")).to_be_visible()
    buy(page)
    page.goto(path)
    page.get_by_role("button", name="I have bought: Kitchen").click()
    expect(page.locator(".stamp.has")).to_have_count(2)
    page.goto(place)
    expect(page.get_by_text("Your visit is noted.")).to_be_visible()
    page.goto(path)
    page.get_by_role("button", name="I am here: Arcade").click()
    expect(page.get_by_text("The booklet has turned into a coupon")).to_be_visible()
    page.goto("/account/coupons")
    expect(page.locator("li.coupon", has_text="Won by stamps")).to_contain_text("Ready")
    merchant.goto("/console/booklets")
    row = merchant.get_by_role("row").filter(has_text="Booklet of the tests")
    expect(row.get_by_role("cell").nth(4)).to_have_text("3")
    expect(merchant.get_by_role("link", name="New booklet")).to_have_count(0)


def test_a_coupon_that_cannot_be_is_refused_beside_its_field(visitor: Visitor) -> None:
    """A window that ends before it begins is refused with the reason, and nothing is made."""
    marketer = staff(visitor, "marketer")
    marketer.goto("/console/coupons/new")
    marketer.locator("#name_en").fill("Never made")
    marketer.locator("#percent").fill("10")
    marketer.locator("#collect_until").fill("2020-01-01T00:00")
    marketer.get_by_role("button", name="Make the coupon").click()
    expect(marketer.get_by_text("Collecting ends after it begins.").first).to_be_visible()
    marketer.goto("/console/coupons")
    expect(marketer.get_by_text("Never made")).to_have_count(0)


def test_a_group_of_shoppers_is_made_looked_at_and_has_a_coupon(visitor: Visitor) -> None:
    """A marketer asks how many would be in a group, makes it, and makes a coupon for it by the form, with an effect
    that only the form of offers knew; a shopper who is not in the group is not shown the coupon."""
    marketer, operator = staff(visitor, "marketer"), staff(visitor, "operator")
    marketer.set_viewport_size({"width": 360, "height": 800})
    marketer.goto("/console/segments/new")
    marketer.locator("#name_en").fill("Buyers of the tests")
    marketer.locator("#word").fill("test-buyers")
    marketer.locator("#goods").fill("merchant:lantern-kitchen")
    marketer.locator("#orders_from").fill("50")
    marketer.get_by_role("button", name="How many?").click()
    expect(marketer.locator("#preview")).to_contain_text("0 of")
    assert faults(marketer) == []
    assert marketer.evaluate("document.documentElement.scrollWidth") <= 360
    marketer.get_by_role("button", name="Save").click()
    expect(marketer.get_by_role("link", name="Buyers of the tests")).to_be_visible()
    assert faults(marketer) == []
    marketer.goto("/console/coupons/new")
    marketer.locator("#name_en").fill("For buyers of the tests")
    marketer.locator("#effect-nth").check()
    marketer.locator("#percent").fill("50")
    marketer.locator("#count").fill("2")
    marketer.get_by_text("More conditions").click()
    marketer.locator("#segments").fill("test-buyers")
    marketer.get_by_role("button", name="Make the coupon").click()
    expect(marketer.get_by_role("heading", level=1, name="For buyers of the tests")).to_be_visible()
    page = visitor(width=360)
    sign_up(page, operator, "no.member@example.org")
    page.goto("/coupons")
    expect(page.get_by_text("For buyers of the tests")).to_have_count(0)
