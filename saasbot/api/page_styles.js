(function () {
  var script = document.currentScript, nonce = script.nonce, create = document.createElement;
  document.createElement = function () {
    var made = create.apply(this, arguments);
    if (made.localName === "style") made.nonce = nonce;
    return made;
  };
  script.remove();
})();
