"Write README.md from nbs/index.ipynb; --check only compares; --command N prints the N-th shell block"
import argparse, base64, re, sys
from pathlib import Path
from execnb.nbio import read_nb

root = Path(__file__).resolve().parent.parent
hidden = re.compile(r'^#\|\s*(hide|default_exp|export)\b', re.M)

def figure(png:str, n:int, files:dict)->str:
    "Register a PNG output as a file beside the notebook and link it"
    path = f'nbs/index_files/figure-{n}.png'
    files[path] = base64.b64decode(png)
    return f'![]({path})'

def render(nb)->dict[str, bytes]:
    "README.md and its figures, by path"
    parts, files = [], {}
    for cell in nb.cells:
        if cell.cell_type == 'markdown':
            text = re.sub(r'\]\((?!https?:|#|\.\./)', '](nbs/', cell.source)  # links are relative to nbs/
            parts.append(text.replace('](../', ']('))
        if cell.cell_type != 'code' or hidden.search(cell.source): continue
        source = re.sub(r'^#\|.*\n', '', cell.source, flags=re.M).strip()
        if source and '#| echo: false' not in cell.source: parts.append(f'```python\n{source}\n```')
        for out in cell.outputs:
            data = out.get('data', {})
            if 'image/png' in data: parts.append(figure(data['image/png'], len(files) + 1, files))
            elif 'text/plain' in data: parts.append('\n'.join('    ' + l for l in ''.join(data['text/plain']).splitlines()))
            elif out.output_type == 'stream' and out.name == 'stdout': parts.append('\n'.join('    ' + l for l in ''.join(out.text).splitlines()))
    banner = '<!-- Written by .ci/readme.py from nbs/index.ipynb: edit that. -->'
    return {'README.md': '\n\n'.join([banner, *parts, '']).encode(), **files}

def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--check', action='store_true'); p.add_argument('--command', type=int)
    a = p.parse_args()
    files = render(read_nb(root/'nbs/index.ipynb'))
    if a.command:
        print(re.findall(r'```sh\n(.*?)```', files['README.md'].decode(), re.S)[a.command - 1].strip())
        return
    stale = [f for f,b in files.items() if not (root/f).exists() or (root/f).read_bytes() != b]
    if a.check: sys.exit(f'not in step with nbs/index.ipynb: {", ".join(stale)}' if stale else 0)
    for f in stale: (root/f).parent.mkdir(exist_ok=True); (root/f).write_bytes(files[f])

if __name__ == '__main__': main()
