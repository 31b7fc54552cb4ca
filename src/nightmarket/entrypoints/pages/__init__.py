"""What storefront and console share: templates, words, formats, forms, static files, the error page.

site = open_site(shop)                                   once per process, with templates/ and locale/ of each room
visit = await site.visit(scope)                           who asks, in which language and currency
site.page(visit, "shop/front.html", status=200, **words)  a whole page, with the cookies it owes
site.redirect(visit, "/cart")                             303 after a form
site.form(visit, await request.body())                    the fields of a form, its token checked
visit.say("Add to cart"), visit.formats.money(2222, "EUR")
"""

from .engine import TemplateFolders
from .formats import Formats
from .forms import Form, typed_amount
from .site import Site, open_site
from .static import StaticFiles
from .visits import Visit

__all__ = ["Form", "Formats", "Site", "StaticFiles", "TemplateFolders", "Visit", "open_site", "typed_amount"]
