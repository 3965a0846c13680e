// First in every page: style elements that its scripts make carry the page's nonce, because toasts, dialogs and menus bring styles of
// their own. What somebody smuggled into the markup has none, and the browser refuses it.
(function () {
  var script = document.currentScript, nonce = script.nonce, create = document.createElement;
  document.createElement = function () {
    var made = create.apply(this, arguments);
    if (made.localName === "style") made.nonce = nonce;
    return made;
  };
  script.remove();
})();
