"""Every address of the selling pages, which are for people of a merchant, about that merchant only; and of the market's
pages about its merchants."""

from nightmarket.entrypoints.console.console import Page
from nightmarket.platform.access import Scope

from . import approvals, costs, enrolling, figures, goods, history, product, repricing, stall, table

S = Scope

PAGES = (
    Page("GET", "/console/selling", S.SELLING, goods.show),
    Page("GET", "/console/selling/goods", S.SELLING, goods.show),
    Page("GET", "/console/selling/goods.csv", S.SELLING, goods.export),
    Page("POST", "/console/selling/goods", S.SELLING, goods.act),
    Page("POST", "/console/selling/goods/prices", S.SELLING, repricing.preview),
    Page("POST", "/console/selling/goods/prices/change", S.SELLING, repricing.change),
    Page("GET", "/console/selling/goods/new", S.SELLING, product.show_new),
    Page("POST", "/console/selling/goods/new", S.SELLING, product.create),
    Page("GET", "/console/selling/goods/{id:str}", S.SELLING, product.show),
    Page("POST", "/console/selling/goods/{id:str}", S.SELLING, product.save),
    Page("GET", "/console/selling/goods/{id:str}/preview", S.SELLING, product.preview),
    Page("POST", "/console/selling/goods/{id:str}/copy", S.SELLING, product.copy),
    Page("GET", "/console/selling/goods/{id:str}/history", S.SELLING, history.show),
    Page("POST", "/console/selling/goods/{id:str}/history", S.SELLING, history.undo),
    Page("GET", "/console/selling/table", S.SELLING, table.show),
    Page("POST", "/console/selling/table", S.SELLING, table.save),
    Page("GET", costs.PATH, S.SELLING, costs.show),
    Page("POST", costs.PATH, S.SELLING, costs.save),
    Page("GET", "/console/selling/places", S.SELLING, stall.show_places),
    Page("POST", "/console/selling/places", S.SELLING, stall.save_places),
    Page("GET", "/console/selling/stall", S.SELLING, stall.show),
    Page("POST", "/console/selling/stall", S.SELLING, stall.save),
    Page("GET", "/console/selling/figures", S.SELLING, figures.show),
    Page("GET", "/console/selling/figures.csv", S.SELLING, figures.export),
    Page("GET", enrolling.HERE, S.SELLING, enrolling.show_list),
    Page("POST", enrolling.HERE, S.SELLING, enrolling.withdraw),
    Page("GET", f"{enrolling.HERE}/{{id:str}}", S.SELLING, enrolling.show),
    Page("POST", f"{enrolling.HERE}/{{id:str}}", S.SELLING, enrolling.enrol, open_stall=True),
    Page("GET", "/console/merchants", S.MERCHANTS_READ, approvals.show),
    Page("POST", "/console/merchants", S.MERCHANTS_WRITE, approvals.approve),
    Page("GET", "/console/merchants/{id:str}", S.MERCHANTS_READ, approvals.show_one),
    Page("POST", "/console/merchants/{id:str}", S.MERCHANTS_WRITE, approvals.decide),
    Page("POST", "/console/merchants/{id:str}/commission", S.MERCHANTS_WRITE, approvals.set_commission),
)
