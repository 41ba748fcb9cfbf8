"""Opens a notebook in a real JupyterLab in headless Chromium, chooses Run, Run All Cells, and looks at what a person would
see. Works on a copy, with settings of its own. Not a part of `.ci/run`, since it needs a browser.

    python .ci/lab.py NOTEBOOK [FOLDER]   # for the pictures; default: a temporary folder, which stays
"""
import json, os, shutil, socket, subprocess, sys, tempfile, time
from contextlib import contextmanager
from pathlib import Path
from chromium import Browser

def copied(notebook:Path, to:Path)->Path:
    "A copy of the repository that a notebook is in, the notebook without its outputs; where that is in there"
    root = Path(subprocess.check_output(['git', 'rev-parse', '--show-toplevel'], cwd=notebook.parent, text=True).strip())
    names = subprocess.check_output(['git', 'ls-files', '-co', '--exclude-standard', '-z'], cwd=root, text=True)
    for name in filter(lambda n: (root/n).is_file(), names.split('\0')):
        (to/name).parent.mkdir(parents=True, exist_ok=True); shutil.copy(root/name, to/name)
    inside = notebook.relative_to(root); nb = json.loads(notebook.read_text())
    for c in nb['cells']:
        if c['cell_type'] == 'code': c.update(outputs=[], execution_count=None)
    (to/inside).write_text(json.dumps(nb))
    return inside

@contextmanager
def lab(root:Path, own:Path):
    "A JupyterLab server on a folder, with nothing of the user's; its address"
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]
    settings = own/'settings'/'@jupyterlab'/'apputils-extension'; settings.mkdir(parents=True)
    (settings/'notification.jupyterlab-settings').write_text('{"fetchNews": "false", "checkForUpdates": false}')
    places = dict(JUPYTER_CONFIG_DIR='config', JUPYTER_DATA_DIR='data', JUPYTER_RUNTIME_DIR='runtime', IPYTHONDIR='ipython',
                  JUPYTERLAB_SETTINGS_DIR='settings', JUPYTERLAB_WORKSPACES_DIR='workspaces')
    env = {**os.environ, **{k: str(own/v) for k,v in places.items()}, 'JUPYTER_PREFER_ENV_PATH': '1'}
    options = ['--no-browser', '--allow-root', f'--ServerApp.root_dir={root}', f'--ServerApp.port={port}', '--ServerApp.port_retries=0',
               '--ServerApp.ip=127.0.0.1', '--IdentityProvider.token=', '--LabApp.expose_app_in_browser=True']
    with (own/'lab.log').open('w') as log:
        server = subprocess.Popen([sys.executable, '-m', 'jupyterlab', *options], stdout=log, stderr=log, env=env)
    try: yield f'http://127.0.0.1:{port}/lab/tree/'
    except BaseException: print((own/'lab.log').read_text()[-3000:]); raise
    finally: server.terminate(); server.wait()

panel = "[...jupyterapp.shell.widgets('main')][0]"  # the notebook, the only thing that is open
cells = f"{panel}.content.widgets.filter(c => c.model.type == 'code' && c.model.sharedModel.source.trim())"
on_screen = "(e => { const r = e.getBoundingClientRect(); return r.width > 0 && r.bottom > 0 && r.top < innerHeight })"

def opens(b:Browser, url:str):
    "Open a notebook, as soon as the server answers, and wait for its kernel"
    b('Emulation.setFocusEmulationEnabled', enabled=True)  # menus act on what has the focus
    b.until(lambda: 'errorText' not in b('Page.navigate', url=url), 180)
    b.until("window.jupyterapp?.shell != null", 120); b.until(f"{panel}?.sessionContext?.session?.kernel?.status == 'idle'", 180)

def runs(b:Browser, folder:Path, seconds:float=1800, every:float=20)->int: # progress bars seen, at most, at one time
    "Run all cells from the menu, looking at the one that is running; a picture now and then while it shows a progress bar"
    item = lambda kind, text: f"[...document.querySelectorAll('{kind}')].find(e => e.textContent == '{text}')"
    b.click(item('.lm-MenuBar-itemLabel', 'Run')); b.click(item('.lm-Menu-itemLabel', 'Run All Cells'))
    b.until(f"{cells}.some(c => c.model.executionState == 'running' || c.model.executionCount)")
    state = f"""(all => {{ const content = {panel}.content;
        const now = all.find(c => c.model.executionState == 'running');
        const bars = now ? [...now.outputArea.node.querySelectorAll('.widget-hprogress')].filter({on_screen}).length : 0;
        if (now) content.scrollToItem(content.widgets.indexOf(now), 'center');
        const failed = all.some(c => c.model.outputs.toJSON().some(o => o.output_type == 'error'));
        const idle = {panel}.sessionContext.session.kernel.status == 'idle';
        return {{now: all.indexOf(now), bars, over: idle && (failed || all.every(c => c.model.executionCount))}} }})({cells})"""
    begun, most, before, shot = time.monotonic(), 0, None, {}
    while not (s := b.js(state))['over']:
        passed, n = time.monotonic() - begun, s['now']
        if passed > seconds: raise TimeoutError(f'not done after {seconds:.0f} s')
        if s['bars'] and n == before and passed - shot.get(n, -every) >= every:
            shot[n] = passed; b.picture(folder/f'running-{n:02}-{passed:04.0f}.png')
        most, before = max(most, s['bars']), n
        time.sleep(.3)
    return most

def rendered(b:Browser, n:int)->dict:
    "What is to be seen below one code cell"
    b.js(f"{panel}.content.scrollToItem({panel}.content.widgets.indexOf({cells}[{n}]))")
    time.sleep(.3)
    return b.js(f"""(node => ({{figures: [...node.querySelectorAll('img')].filter(e => e.complete && e.naturalWidth).length,
        bars: node.querySelectorAll('.widget-hprogress').length, text: node.textContent}}))({cells}[{n}].outputArea.node)""")

def looks(b:Browser, folder:Path):
    "A picture of every screenful, from the top"
    scroller = f"{panel}.content.node.querySelector('.jp-WindowedPanel-outer')"
    b.js(f'{scroller}.scrollTop = 0'); n = 0
    while True:
        time.sleep(.6); b.picture(folder/f'screen-{n:02}.png'); n += 1
        at = b.js(f'{scroller}.scrollTop'); b.js(f'{scroller}.scrollTop += {scroller}.clientHeight - 40'); time.sleep(.2)
        if n == 60 or b.js(f'{scroller}.scrollTop') <= at + 1: return

def report(b:Browser, seen:int)->list[str]: # what is wrong
    "Compare what the notebook holds with what is on the screen"
    holds, wrong, figures, bars_left = b.js(f"{cells}.map(c => c.model.outputs.toJSON())"), [], 0, 0
    kinds = [k for outputs in holds for o in outputs for k in o.get('data', {})]
    for n, outputs in enumerate(holds):
        wrong += [f'cell {n}: {o["ename"]}: {o["evalue"]}' for o in outputs if o['output_type'] == 'error']
        r, want = rendered(b, n), sum(any(k.startswith('image/') for k in o.get('data', {})) for o in outputs)
        figures += r['figures']; bars_left += r['bars']
        if r['figures'] < want: wrong.append(f'cell {n}: {want} figures, of which {r["figures"]} are shown')
        if any(s in r['text'] for s in ('Error displaying widget', 'Loading widget')): wrong.append(f'cell {n}: a widget is not shown')
    widgets = kinds.count('application/vnd.jupyter.widget-view+json')
    if widgets and not seen + bars_left: wrong.append(f'{widgets} widgets, and no progress bar was seen')
    counts = b.js(f'{cells}.map(c => c.model.executionCount)')
    if None in counts: wrong.append(f'{counts.count(None)} cells have not run')
    print(f'{len(holds)} code cells, {figures} figures, {widgets} widgets; progress bars: {seen} at a time while running, {bars_left} in the end')
    return wrong

def main(notebook:str, folder:str=''):
    folder = Path(folder or tempfile.mkdtemp(prefix='lab-')); folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as d:
        own = Path(d)/'own'; own.mkdir(); inside = copied(Path(notebook).resolve(), Path(d)/'copy')
        with lab(Path(d)/'copy', own) as url, Browser('chromium', str(own/'profile')) as b:
            opens(b, f'{url}{inside}'); begun = time.monotonic()
            try: seen = runs(b, folder)
            except TimeoutError: b.picture(folder/'too-late.png'); raise
            print(f'{inside}: over after {time.monotonic() - begun:.0f} s')
            wrong = report(b, seen); looks(b, folder)
    print(f'pictures: {folder}', *wrong, sep='\n')
    sys.exit(len(wrong))

if __name__ == '__main__': main(*sys.argv[1:])
