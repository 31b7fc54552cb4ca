"""Two merchants make an offer together, in a real browser: proposed, accepted, approved, bought, and told to both."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from tests.browser.test_draw_pages import staff
from tests.browser.test_shop_journey import ENGLISH, fill_in, put_in
from tests.browser.visiting import Visitor, faults, fill_time, load_until

GOOD_CARD = "4242 4242 4242 4242"
PASSWORD = "a boat of folded leaves"
NAME = "Wok and mooncakes"


def _tea_merchant(visitor: Visitor, operator: Page) -> Page:
    """Somebody of the tea house: the operator lets them in, they sign in."""
    operator.goto("/console/people/new")
    operator.get_by_label("Name", exact=True).fill("Test Tea")
    operator.get_by_label("E-mail").fill("tea.test@example.org")
    operator.get_by_label("First password").fill(PASSWORD)
    operator.locator("input[name=role][value=merchant]").check()
    operator.locator("#merchant").select_option(label="Moonlit Tea House")
    operator.get_by_role("button", name="Let this person in").click()
    expect(operator.get_by_role("status")).to_contain_text("can sign in now")
    page = visitor(width=360)
    page.goto("/console/login")
    page.get_by_label("E-mail").fill("tea.test@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console")
    return page


def _propose(page: Page) -> str:
    """A wok with mooncakes for 50.00, 70 and 30 percent; the joint offer's address."""
    page.goto("/console/collaborations")
    page.get_by_role("link", name="New joint offer").click()
    page.locator("#partner").select_option(label="Moonlit Tea House")
    page.get_by_role("button", name="Go on").click()
    page.locator("#name_en").fill(NAME)
    for name, word in (("first_product", r"^Cast-Iron Wok"), ("second_product", r"^Mooncakes")):
        goods = page.locator(f"#{name} option").filter(has_text=re.compile(word)).first.get_attribute("value")
        page.locator(f"#{name}").select_option(value=goods)
    page.locator("#price").fill("50.00")
    page.locator("#first_share").fill("70")
    page.locator("#second_share").fill("40")
    fill_time(page, "ends_at", datetime.now(UTC) + timedelta(days=2))
    page.get_by_role("button", name="Propose it").click()
    expect(page.locator(".errors")).to_contain_text("The parts come to 100 % at most")
    assert faults(page) == []
    page.locator("#second_share").fill("30")
    page.get_by_role("button", name="Propose it").click()
    expect(page.locator("#state")).to_have_text("proposed")
    assert faults(page) == []
    return "/console/collaborations/" + page.url.rpartition("/")[2].partition("?")[0]


def _buy(page: Page) -> str:
    """Both goods through the checkout; the order's number."""
    told = page.get_by_role("region", name="Together with another merchant")
    load_until(page, told.get_by_role("listitem").filter(has_text=NAME).is_visible, "/products/cast-iron-wok")
    put_in(page, ENGLISH, "cast-iron-wok", "28 cm", script=True)
    expect(told.get_by_role("listitem").filter(has_text=NAME)).to_contain_text("Both for €50.00")
    page.goto("/cart")
    missing = page.get_by_role("region", name="Nearly there").locator(".offer-step").filter(has_text=NAME)
    expect(missing).to_contain_text("Still missing: Mooncakes")
    assert faults(page) == []
    page.goto("/products/mooncakes")
    expect(told.get_by_role("listitem").filter(has_text=NAME)).to_contain_text("Cast-Iron Wok")
    put_in(page, ENGLISH, "mooncakes", "Red bean", script=True)
    page.goto("/cart")
    expect(page.locator("main")).to_contain_text(NAME)
    expect(page.locator("main")).to_contain_text("paid for by Lantern Kitchen and Moonlit Tea House")
    page.get_by_role("button", name=ENGLISH.to_checkout).click()
    page.wait_for_url(re.compile(r"/checkout/chk_"))
    fill_in(page, GOOD_CARD)
    page.get_by_role("button", name=ENGLISH.order).click()
    page.wait_for_url(re.compile(r"/orders/ord_"))
    return page.url.rpartition("/")[2].partition("?")[0]


def test_two_merchants_make_an_offer_and_both_see_their_part(visitor: Visitor) -> None:
    """A proposes, B accepts it as it is on a phone, the operator approves; a shopper gets the price for both goods and
    reads who pays for it; both merchants and the market see on the order what each pays. axe finds nothing serious."""
    kitchen, operator = staff(visitor, "merchant"), staff(visitor, "operator")
    tea = _tea_merchant(visitor, operator)
    joint = _propose(kitchen)
    tea.goto("/console/collaborations")
    expect(tea.get_by_text("your turn")).to_be_visible()
    tea.goto(joint)
    assert faults(tea) == []
    assert tea.evaluate("document.documentElement.scrollWidth") <= 360
    tea.get_by_role("button", name="Accept it as it is").click()
    expect(tea.locator("#state")).to_have_text("accepted, the market decides")
    operator.goto(joint)
    operator.get_by_role("button", name="Approve and publish").click()
    expect(operator.locator("#state")).to_have_text("published")
    order = _buy(visitor(width=360))
    for page in (kitchen, tea, operator):
        page.goto(f"/console/orders/{order}")
        shown = page.get_by_role("region", name="Who pays for joint offers")
        expect(shown).to_contain_text(NAME)
        expect(shown).to_contain_text("Lantern Kitchen")
        expect(shown).to_contain_text("Moonlit Tea House")
        assert faults(page) == []
    tea.goto("/console/selling/figures")
    expect(tea.locator("main")).to_contain_text("From and to partners")
    kitchen.goto(joint)
    kitchen.get_by_role("button", name="End it now").click()
    expect(kitchen.locator("#state")).to_have_text("over")
