// Suggestions under the search field. Without this script the field is a plain form.
"use strict";
