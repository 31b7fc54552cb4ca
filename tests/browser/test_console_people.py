"""Operators at work beside the orders: people and keys, texts of pages, what all merchants share, charts."""

import re
from uuid import UUID

import httpx
import pytest
from playwright.sync_api import expect

from nightmarket.kernel.ids import encode
from tests.browser.test_console import order, sign_in
from tests.browser.visiting import Visitor, faults, load_until

pytestmark = pytest.mark.browser
PASSWORD = "a ladder made of paper"


def test_a_person_is_let_in_changed_and_closed(visitor: Visitor) -> None:
    """A new colleague signs in, gets another role, a colleague closes the account, and the door stays shut."""
    page = visitor(width=1440)
    sign_in(page, "operator")
    page.goto("/console/people/new")
    page.get_by_label("Name", exact=True).fill("Test Helper")
    page.get_by_label("E-mail").fill("helper@example.org")
    page.get_by_label("First password").fill("short")
    page.get_by_role("button", name="Let this person in").click()
    expect(page.locator(".errors")).to_contain_text("10 to 200 letters")
    expect(page.get_by_label("E-mail")).to_have_value("helper@example.org")
    page.get_by_label("First password").fill(PASSWORD)
    page.get_by_role("button", name="Let this person in").click()
    expect(page.get_by_role("status")).to_contain_text("can sign in now")
    helper = visitor()
    helper.goto("/console/login")
    helper.get_by_label("E-mail").fill("helper@example.org")
    helper.get_by_label("Password").fill(PASSWORD)
    helper.get_by_role("button", name="Sign in").click()
    helper.wait_for_url("**/console")
    expect(helper.get_by_role("link", name="People")).to_have_count(0)
    page.get_by_label(re.compile("Marketer")).check()
    page.get_by_role("button", name="Give this role").click()
    expect(page.get_by_role("status")).to_contain_text("role is changed")
    page.goto("/console/people?q=helper%40&cols=name,role,state")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("thead th")).to_have_count(4)
    page.get_by_label("Choose Test Helper").check()
    page.get_by_role("button", name="Close their accounts").click()
    expect(page.get_by_role("status")).to_contain_text("Closed")
    helper.goto("/console")
    expect(helper).to_have_url(re.compile("/console/login"))
    page.goto("/console/deeds")
    expect(page.locator("tbody")).to_contain_text("closed accounts")


def test_the_last_operator_cannot_be_closed(visitor: Visitor) -> None:
    """Who runs the shop alone stays; the page says what to do instead."""
    page = visitor()
    sign_in(page, "operator")
    page.goto("/console/people?role=operator")
    for box in page.locator("[data-select]").all():
        box.check()
    page.get_by_role("button", name="Close their accounts").click()
    expect(page.get_by_role("alert").last).to_contain_text("Make another operator first")


def test_tables_are_kept_in_their_address(visitor: Visitor) -> None:
    """Sorted and with chosen columns, without script too, and as a file."""
    page = visitor(java_script_enabled=False)
    sign_in(page, "operator")
    page.goto("/console/people")
    page.locator("thead").get_by_role("link", name="E-mail").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("E-mail")
    addresses = page.locator("td[data-name='E-mail']").all_inner_texts()
    assert addresses == sorted(addresses)
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("Id", exact=True).check()
    page.get_by_role("button", name="Use these").click()
    expect(page.locator("td[data-name=Id]").first).to_contain_text("acc_")
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("E-mail")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.path().read_text("utf-8-sig").startswith("name,email,role,merchant,state,created_at,id")


def test_a_key_opens_until_it_ends(visitor: Visitor, shop_url: str) -> None:
    """A key is shown once, opens what it may, and nothing after it has ended."""
    page = visitor(width=1440)
    sign_in(page, "operator")
    page.goto("/console/keys")
    page.get_by_label("What it is for").fill("a test")
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator(".errors")).to_contain_text("at least one permission")
    page.get_by_label(re.compile("Carts, checkout")).check()
    page.get_by_role("button", name="Make the key").click()
    token = page.locator("#fresh-key").inner_text()
    headers = {"Authorization": f"Bearer {token}"}
    door = f"{shop_url}/ucp/checkout-sessions/{encode('chk', UUID(int=0))}"
    assert httpx.get(door, headers=headers).status_code == 404
    page.goto("/console/keys")
    assert token not in page.content()
    page.get_by_role("button", name="End it a test").first.click()
    expect(page.get_by_role("status")).to_contain_text("has ended")
    for _ in range(180):
        if httpx.get(door, headers=headers).status_code == 401:
            return
        page.wait_for_timeout(500)
    pytest.fail("the key still opens")


def test_a_page_is_written_previewed_and_found(visitor: Visitor) -> None:
    """A text in two languages is previewed, saved, found from the foot of the shop, and an older version comes back."""
    page = visitor(width=1440)
    sign_in(page, "marketer")
    page.goto("/console/texts/new")
    page.get_by_label("Address").fill("about-our-night")
    page.locator("#title_en").fill("About our night")
    page.locator("#body_en").fill("## Lamps\n\nWe like *tea* <script>alert(1)</script>.")
    page.locator("summary", has_text="Deutsch").click()
    page.locator("#title_de").fill("Über unsere Nacht")
    page.locator("#body_de").fill("Wir mögen Tee.")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("section.prose").first.locator("em")).to_have_text("tea")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("saved")
    shopper = visitor(locale="de-DE", width=360)
    shopper.goto("/pages/about-our-night")
    expect(shopper.locator("h1")).to_have_text("Über unsere Nacht")
    load_until(shopper, shopper.get_by_role("link", name="Über unsere Nacht").is_visible, "/cart")
    shopper.get_by_role("link", name="Über unsere Nacht").click()
    expect(shopper).to_have_url(re.compile("/pages/about-our-night"))
    assert faults(shopper) == []
    page.locator("#title_en").fill("Changed")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Version 1").click()
    expect(page.locator("#title_en")).to_have_value("About our night")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Version 3")).to_be_visible()


def test_a_category_is_made_and_moved(visitor: Visitor) -> None:
    """What marketers change of the trees is checked and shows in the list; a circle is refused with the reason."""
    page = visitor(width=1440)
    sign_in(page, "marketer")
    page.goto("/console/range/categories/new")
    page.get_by_label("Short name").fill("moon-things")
    page.locator("#names_en").fill("Moon things")
    page.get_by_label("Below").select_option("home")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved")
    page.get_by_role("link", name="Moon things").click()
    expect(page.get_by_label("Below")).to_have_value("home")
    page.goto("/console/range/categories/home")
    page.get_by_label("Below").select_option("moon-things")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".errors")).to_be_visible()
    load_until(page, lambda: page.locator("h1").inner_text() == "Moon things", "/categories/moon-things")


def test_charts_say_their_finding_and_have_a_table(visitor: Visitor, shop_url: str) -> None:
    """Orders of the last hour are drawn, and the table behind the chart says the same without script."""
    order(shop_url)
    page = visitor(width=1440)
    sign_in(page, "operator")
    page.goto("/console/figures?span=hour")
    expect(page.locator("figure h2").first).to_contain_text("orders, most of them at")
    expect(page.locator(".chart svg").first).to_be_visible()
    assert faults(page) == []
    plain = visitor(width=360, java_script_enabled=False)
    sign_in(plain, "operator")
    plain.goto("/console/figures?span=hour")
    plain.get_by_text("As a table").first.click()
    expect(plain.locator("figure table").first).to_contain_text("Paid")
