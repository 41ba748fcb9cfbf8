"""Open a page of 4,500 made-up features in headless Chromium, from a file, and use it as a person would. Not part of
`.ci/run`, since it needs a browser.

    python .ci/page.py [CHROMIUM]   # the browser's command, by default chromium
"""
import sys, tempfile, time
import numpy as np, torch
from chromium import Browser
from lagsae.sae.core import build
from lagsae.explore.features import Features, visible
from lagsae.explore.page import save_page

n, width, d_sae, vocabulary = 4000, 64, 4500, 3000
special = {5: '<script>window.ran = 1</script>', 6: '</script><script>window.ran = 2</script>', 7: '<img src=x onerror="window.ran=3">',
           8: '\u202eright to left', 9: 'zebra', 10: '"\'&lt;', 11: '\x00\x1b[31m',
           12: '\udce2\udc80', 13: '\udc94'}  # two tokens that together are one dash

def made_up()->Features:
    "Make random features on random tokens; feature 40 + t fires on special token t, and no other feature does"
    g = np.random.default_rng(0)
    tokens = g.integers(20, vocabulary, (n, width)).astype(np.int32)
    for t in special: tokens.flat[g.choice(tokens.size, 60, replace=False)] = t
    tokens[5, 10:12] = 12, 13; tokens[:, 0] = 0
    token_index = np.flatnonzero(tokens.ravel()).astype(np.int32); ids = tokens.flat[token_index]
    ordinary, counts = np.flatnonzero(ids >= 20), (10**g.uniform(.5, 3.5, d_sae)).astype(int)
    fires = [np.sort(g.choice(ordinary, c, replace=False)) for c in counts]
    for t in special: fires[40 + t] = np.flatnonzero(ids == t)
    fires[3] = fires[3][:0]
    value = g.uniform(.1, 2, sum(map(len, fires))).astype(np.float16)
    sae, _ = build('topk', 32, d_sae, dict(k=4)); unembed = torch.randn(32, vocabulary)
    indptr = np.concatenate([[0], np.cumsum([len(f) for f in fires])])
    row = np.concatenate(fires).astype(np.int32)
    fs = Features(sae.requires_grad_(False), tokens, token_index, indptr, row, value)
    fs.route, fs.effects = 'the residual stream', lambda some: sae.W_dec[some] @ unembed
    fs.ce_effect = g.normal(0, 1e-3, d_sae).astype(np.float32)
    fs.texts = [special.get(i, f' w{i}' if i else '<bos>') for i in range(vocabulary)]
    return fs

class FeaturePage(Browser):
    "The page of features"
    def search(self, text:str)->list[int]:
        "Type a query and return the features at the top of the list"
        self.press('Escape', '/'); self.js("document.getElementById('query').value = ''")
        self('Input.insertText', text=text); time.sleep(.8)
        return self.top()
    def top(self, n:int=5)->list[int]:
        "Return the features at the top of the list"
        return self.js(f"[...document.querySelectorAll('.row .id')].slice(0, {n}).map(e => +e.textContent)")
    def choose(self, id:str, value:str):
        "Choose an option of a menu"
        self.js(f"(e => {{ e.value = '{value}'; e.dispatchEvent(new Event('change')) }})(document.getElementById('{id}'))"); time.sleep(.2)
    @property
    def shown(self)->str:
        "The heading of the page"
        return self.js("(document.querySelector('h1') || {}).textContent")

bad = 0
def check(what:str, got, want=True):
    "Print whether a value is as expected, and count those that are not"
    global bad
    ok = got == want; bad += not ok
    print(f'{"ok   " if ok else "WRONG"} {what}' + ('' if ok else f': expected {want!r}, got {got!r}'))

def opens(b, url):
    "Check that the page loads, and fast"
    b('Page.navigate', url=url)
    b.until("document.documentElement?.dataset.ready"); ready = int(b.js("document.documentElement.dataset.ready"))
    check(f'{d_sae:,} features are ready after {ready} ms', ready < 2000)
    check('only the visible part of the list is in the document', b.js("document.querySelectorAll('.row').length") < 60)

def finds(b, fs):
    "Check the search"
    check('search finds a number', b.search('4321')[:1], [4321])
    check('search finds a token', b.search('zebra')[:1], [49])
    check('a character is whole in a text', b.js("wholeCharacters(['a', '⟨E2⟩⟨80⟩', '⟨94⟩b', 'c']).join('')"), 'a·—bc')
    check('a character that two tokens share', b.js("hits(plain('—')).on.reduce((a, x) => a + x)"), 2)
    b.choose('scope', 'promotes'); token = next(t for t, _ in fs.logits(2, 10)[0] if len(t) == 6)
    promoted = [[t for t, _ in fs.logits(f, 10)[0]] for f in range(d_sae)]
    want = {f for f in range(d_sae) if fs.strongest[f] >= 0 and token in promoted[f]}
    b.search(token); check('features that promote a token', set(b.js('order')), want)
    check('no result for a text that does not occur', b.search('w1 w'), [])
    b.choose('scope', 'any'); b.press('Escape')
    at = int(fs.token_index[fs.examples(1000, 1)[0][0]]); sample = fs.tokens[at//width]; i = at % width
    text = ''.join(visible(fs.texts[t]) for t in sample[max(1, i - 1):i + 2])
    b.choose('scope', 'contexts'); b.search(text); inside = b.js("order.includes(1000)")
    b.choose('scope', 'any'); b.press('Escape', 'Escape'); check('search finds a text across tokens', inside)

def sorts(b, fs):
    "Check sorting and filters"
    b.js("document.getElementById('query').value = ''; asked()")
    for by, values in (('density', fs.density), ('peak', fs.peak), ('cosine', fs.cosine), ('ce_effect', fs.ce_effect)):
        b.choose('sort', by); first = b.top(1)[0]
        want = values.max() if by != 'cosine' else values[fs.density > 0].min()
        check(f'sorted by {by}', float(values[first]), float(want))
    b.choose('sort', 'number')
    b.choose('alive', 'dead'); check('dead features only', b.top(), [3])
    b.choose('alive', 'alive'); check('alive features only', b.top(4), [0, 1, 2, 4])
    b.js("(e => { e.value = 50; e.dispatchEvent(new Event('input')) })(document.getElementById('low'))")
    least = b.js('density(49.5)'); check('a range of densities', b.js('order.length'), int((fs.density >= least).sum()))
    b.js("(e => { e.value = 0; e.dispatchEvent(new Event('input')) })(document.getElementById('low'))")

def goes(b, url):
    "Check links, history and keys"
    b('Page.navigate', url='about:blank'); b('Page.navigate', url=url + '#123')
    b.until("document.documentElement?.dataset.ready"); check('a deep link', b.shown, 'Feature 123')
    b.js("document.querySelector('a.pair').click()"); time.sleep(.3); other = b.shown
    check('a neighbour is a link', other != 'Feature 123')
    b.js('history.back()'); time.sleep(.3); check('back', b.shown, 'Feature 123')
    b.js('history.forward()'); time.sleep(.3); check('forward', b.shown, other)
    b.js("location.hash = '#123'"); time.sleep(.2)
    b.press('j'); check('j', b.shown, 'Feature 124'); b.press('ArrowDown'); check('down', b.shown, 'Feature 125')
    b.press('k', 'ArrowUp', 'k'); check('k and up', b.shown, 'Feature 122')
    b.press('?'); check('? shows the keys', b.js("document.getElementById('help').open"))
    b.press('Escape'); check('Esc closes them', b.js("document.getElementById('help').open"), False)
    b.press('/'); check('/ goes to the search', b.js("document.activeElement.id"), 'query')
    b('Input.insertText', text='zebra'); b.press('Enter'); check('Enter opens the first result', b.shown, 'Feature 49')
    b.press('/', 'Escape', 'Escape'); check('Esc clears the search', b.js("document.getElementById('query').value"), '')
    b.js("location.hash = '#99999'"); time.sleep(.2); check('an unknown feature', 'no feature 99999' in b.js("document.getElementById('main').textContent"))
    dark = b.js("getComputedStyle(document.body).backgroundColor"); b.js("document.getElementById('theme').click()")
    check('dark and light colors', dark != b.js("getComputedStyle(document.body).backgroundColor"))

def harmless(b, fs):
    "Check that no token runs as a script; return the number of browser events up to the attempt to inject one"
    for t, text in special.items():
        if t > 11: continue  # a part of a character
        b.js(f"location.hash = '#{40 + t}'"); time.sleep(.15)
        marked = b.js("[...document.querySelectorAll('.t.peak')].map(e => e.textContent)")
        check(f'{visible(text)!r} is text', set(marked), {visible(text)})
    want = float(fs.examples(49, 1)[0][1])
    b.js("location.hash = '#49'"); time.sleep(.2)
    b.js("document.querySelector('.t.peak').dispatchEvent(new PointerEvent('pointerover', {bubbles: true}))")
    check('the tooltip shows the activation', float(b.js("document.getElementById('tip').textContent").split()[-1]), float(f'{want:.3g}'))
    check('no token ran', b.js('window.ran'), None)
    before = len(b.events)
    b.js("const s = document.createElement('script'); try { s.textContent = 'window.ran = 4' } catch {} document.body.append(s)")
    time.sleep(.2); check('the policy blocks an injected script', b.js('window.ran'), None)
    return before

with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as d:
    fs = made_up(); path = save_page(fs, f'{d}/features.html', 'made up', progress=False)
    print(f'{path.stat().st_size/1e6:.1f} MB'); url = path.as_uri()
    with FeaturePage(sys.argv[1] if sys.argv[1:] else 'chromium', f'{d}/profile') as b:
        opens(b, url); finds(b, fs); sorts(b, fs); goes(b, url); events = b.events[:harmless(b, fs)]
    asked = {e['params']['request']['url'].split('#')[0] for e in events if e['method'] == 'Network.requestWillBeSent'}
    check('no request but for the file itself', asked, {url})
    messages = [e['params'] for e in events if e['method'] in ('Runtime.consoleAPICalled', 'Runtime.exceptionThrown', 'Log.entryAdded')]
    check('the console is empty', messages, [])
sys.exit(bad)
