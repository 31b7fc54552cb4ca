"""Buying together in a real browser: a merchant offers goods to groups, one shopper starts a group, a friend joins."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from tests.browser.test_draw_pages import staff
from tests.browser.test_shop_journey import fill_in
from tests.browser.test_shopper_accounts import sign_up
from tests.browser.visiting import Visitor, faults, fill_time

GOOD_CARD = "4242 4242 4242 4242"


def _offer_to_groups(page: Page) -> str:
    """Two people 15 % off, of goods of the merchant's own; the address of what is offered in the shop."""
    page.goto("/console/selling/groups/new")
    product = page.locator("#products option").first.get_attribute("value")
    assert product
    page.locator("#product").fill(product)
    page.locator("#people_1").fill("4")
    page.locator("#percent_1").fill("15")
    page.locator("#people_2").fill("2")
    page.locator("#percent_2").fill("25")
    page.locator("#gather_hours").fill("72")
    fill_time(page, "ends_at", datetime.now(UTC) + timedelta(days=2))
    page.get_by_role("button", name="Offer it to groups").click()
    expect(page.get_by_text("Each tier has more people than the one before, and takes off more.").first).to_be_visible()
    assert faults(page) == []
    page.locator("#people_1").fill("2")
    page.locator("#people_2").fill("")
    page.locator("#percent_2").fill("")
    page.get_by_role("button", name="Offer it to groups").click()
    expect(page.get_by_role("heading", level=1, name=re.compile("Group purchase"))).to_be_visible()
    assert faults(page) == []
    return "/group-offers/" + page.url.rpartition("/")[2]


def _join(page: Page, group: str) -> None:
    """Through the checkout into the group."""
    page.goto(group)
    page.get_by_role("button", name="Join and order one").click()
    page.wait_for_url("**/checkout/**")
    expect(page.locator("#pay-transfer")).to_have_count(0)
    fill_in(page, GOOD_CARD)
    page.get_by_role("button", name=re.compile("Order and pay")).click()
    page.wait_for_url("**/orders/**")


def test_a_group_from_the_form_to_the_last_friend(visitor: Visitor, shop_url: str) -> None:
    """A merchant offers goods to groups, wrong tiers are refused beside their field; the starter's money is held, the
    friend who follows the link completes the group, and both orders are paid; axe finds nothing serious."""
    merchant, operator = staff(visitor, "merchant"), staff(visitor, "operator")
    offer = _offer_to_groups(merchant)
    starter, friend = visitor(width=360), visitor(width=1440)
    sign_up(starter, operator, "starter.test@example.org")
    starter.goto(offer)
    assert faults(starter) == []
    starter.get_by_role("button", name="Start a group").click()
    starter.wait_for_url("**/groups/**")
    group = "/groups/" + starter.url.rpartition("/")[2]
    expect(starter.locator("#link")).to_have_text(f"{shop_url}{group}")
    assert starter.locator(".group-code path").count() > 0
    expect(starter.locator("main [data-countdown-time]")).to_have_text(re.compile(r"^[23] d \d\d:\d\d:\d\d$"))
    assert faults(starter) == []
    assert starter.evaluate("document.documentElement.scrollWidth") <= 360
    _join(starter, group)
    expect(starter.get_by_role("heading", level=1)).to_contain_text("You are in the group")
    order = starter.url
    starter.goto(group)
    expect(starter.locator("#joined")).to_contain_text("1 of 2")
    expect(starter.get_by_role("button", name="Leave the group")).to_be_visible()

    friend.goto(group)
    expect(friend.get_by_role("link", name="Sign in").last).to_be_visible()
    sign_up(friend, operator, "friend.test@example.org")
    _join(friend, group)
    friend.goto(group)
    expect(friend.locator("#state")).to_have_text("Complete")
    assert faults(friend) == []
    starter.goto(order)
    expect(starter.get_by_role("heading", level=1)).to_contain_text("Your order is paid")
    starter.goto("/account/groups")
    expect(starter.get_by_text("2 of 2")).to_be_visible()
    assert faults(starter) == []
    merchant.goto("/console/groups")
    expect(merchant.get_by_role("row").nth(1)).to_contain_text("offered")


def test_who_leaves_gets_the_money_back(visitor: Visitor) -> None:
    """The demo's product says at what price it may be bought together, beside the lowest of thirty days; who has joined
    may leave, and the order is cancelled."""
    operator, page = staff(visitor, "operator"), visitor(width=360)
    sign_up(page, operator, "leaver.test@example.org")
    page.goto("/products/moka-pot")
    expect(page.locator(".group-block")).to_contain_text("from €29.61 −10% from 3 people on")
    page.get_by_role("link", name="Start a group").click()
    expect(page.get_by_text("Lowest price of the 30 days before: €32.90")).to_be_visible()
    page.get_by_role("button", name="Start a group").click()
    page.wait_for_url("**/groups/**")
    expect(page.locator(".group-tiers").first).to_contain_text("€26.32")
    group = "/groups/" + page.url.rpartition("/")[2]
    _join(page, group)
    order = page.url
    page.goto(group)
    page.get_by_role("button", name="Leave the group").click()
    expect(page.locator(".notice[role=status]")).to_contain_text("You have left the group")
    expect(page.locator("#joined")).to_contain_text("0 of 5")
    page.goto(order)
    expect(page.get_by_role("heading", level=1)).to_contain_text("cancelled")
