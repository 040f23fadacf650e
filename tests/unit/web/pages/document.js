// As much of a document as Preact needs to draw, and a person to act.

class Element {
  constructor(name, data = "") {
    Object.assign(this, { localName: name, nodeType: name === "#text" ? 3 : 1, data, parentNode: null, childNodes: [] });
    Object.assign(this, { attributes: [], style: {}, dataset: {}, listeners: {}, value: "", disabled: false });
    Object.assign(this, { onclick: null, oninput: null, onsubmit: null });
  }
  get firstChild() {
    return this.childNodes[0] || null;
  }
  get nextSibling() {
    const all = this.parentNode?.childNodes || [];
    return all[all.indexOf(this) + 1] || null;
  }
  insertBefore(node, before) {
    node.remove();
    this.childNodes.splice(before ? this.childNodes.indexOf(before) : this.childNodes.length, 0, node);
    node.parentNode = this;
  }
  appendChild(node) {
    this.insertBefore(node, null);
  }
  removeChild(node) {
    this.childNodes.splice(this.childNodes.indexOf(node), 1);
    node.parentNode = null;
  }
  remove() {
    this.parentNode?.removeChild(this);
  }
  setAttribute(name, value) {
    this[name] = value;
  }
  removeAttribute(name) {
    delete this[name];
  }
  addEventListener(name, listener) {
    this.listeners[name] = listener;
  }
  focus() {}
  get text() {
    return this.data + this.childNodes.map((each) => each.text).join("");
  }
  all(name) {
    return this.childNodes.flatMap((each) => [...(each.localName === name ? [each] : []), ...each.all(name)]);
  }
  act(type) {
    this.listeners[type].call(this, { type, target: this, preventDefault() {} });
  }
}

Object.assign(document, {
  body: new Element("body"),
  createElement: (name) => new Element(name),
  createTextNode: (text) => new Element("#text", text),
});
const events = new EventTarget();
for (const name of ["removeEventListener", "dispatchEvent"])
  globalThis[name] = events[name].bind(events);
/** Names of events that something has listened to: Preact runs effects some time after it has drawn. */
export const listened = new Set();
globalThis.addEventListener = (name, listener) => {
  listened.add(name);
  events.addEventListener(name, listener);
};
globalThis.requestAnimationFrame = (call) => setTimeout(call, 0);
globalThis.cancelAnimationFrame = clearTimeout;
globalThis.scrollTo = () => {};

/** Wait until `find` finds something. */
export async function found(find) {
  for (;;) {
    const it = find();
    if (it) return it;
    await new Promise((done) => setTimeout(done, 1));
  }
}

/** The button with this text, once it is there. */
export const button = (text) => found(() => document.body.all("button").find((each) => each.text === text));
