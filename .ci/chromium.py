"A page of a headless Chromium, driven over its debugging port; shared by the checks that need a browser"
import base64, json, subprocess, time, urllib.request
from pathlib import Path
import websocket

class Browser:
    "One page of a headless browser"
    def __init__(self, command:str, folder:str, size:tuple=(1400, 900)):
        flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--remote-debugging-port=0', f'--user-data-dir={folder}',
                 f'--window-size={size[0]},{size[1]}', '--no-first-run', 'about:blank']
        self.process = subprocess.Popen([command, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port = Path(folder)/'DevToolsActivePort'
        self.until(port.exists, 60); time.sleep(.3)
        [target] = [t for t in json.load(urllib.request.urlopen(f'http://127.0.0.1:{port.read_text().split()[0]}/json'))
                    if t['type'] == 'page']
        self.socket = websocket.create_connection(target['webSocketDebuggerUrl'], suppress_origin=True, max_size=2**28)
        self.n, self.events = 0, []
        for domain in ('Page', 'Runtime', 'Network', 'Log'): self(f'{domain}.enable')
    def __enter__(self): return self
    def __exit__(self, *_): self.socket.close(); self.process.terminate(); self.process.wait()
    def __call__(self, method:str, **params)->dict:
        self.n += 1
        self.socket.send(json.dumps(dict(id=self.n, method=method, params=params)))
        while (m := json.loads(self.socket.recv())).get('id') != self.n: self.events.append(m)
        if 'error' in m: raise RuntimeError(f'{method}: {m["error"]}')
        return m['result']
    def js(self, code:str):
        "The value of an expression in the page"
        r = self('Runtime.evaluate', expression=code, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in r: raise RuntimeError(r['exceptionDetails'])
        return r['result'].get('value')
    def until(self, true, seconds=20):
        "Wait for something, a string being asked of the page"
        end = time.monotonic() + seconds
        while not (self.js(true) if isinstance(true, str) else true()):
            if time.monotonic() > end: raise TimeoutError(true)
            time.sleep(.05)
    def press(self, *keys):
        for k in keys:
            code = {'Enter': 13, 'Escape': 27, 'ArrowDown': 40, 'ArrowUp': 38}.get(k, ord(k[0].upper()))
            more = dict(text='\r' if k == 'Enter' else k) if len(k) == 1 or k == 'Enter' else {}
            for kind in ('keyDown', 'keyUp'):
                self('Input.dispatchKeyEvent', type=kind, key=k, windowsVirtualKeyCode=code, **(more if kind == 'keyDown' else {}))
        time.sleep(.1)
    def click(self, element:str):
        "Click in the middle of an element, an expression, as soon as it is there"
        self.until(f'({element})?.getBoundingClientRect().width > 0')
        x, y = self.js(f'(r => [r.x + r.width/2, r.y + r.height/2])(({element}).getBoundingClientRect())')
        for kind in ('mouseMoved', 'mousePressed', 'mouseReleased'):
            self('Input.dispatchMouseEvent', type=kind, x=x, y=y, button='none' if kind == 'mouseMoved' else 'left', clickCount=1)
    def picture(self, path):
        "What is on the screen, as a PNG file"
        Path(path).write_bytes(base64.b64decode(self('Page.captureScreenshot', format='png')['data']))
