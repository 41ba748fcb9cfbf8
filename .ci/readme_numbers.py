"Every link of README.md leads somewhere, and every number in it is found in a file that its section links to"
import json, re, sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
number = re.compile(r'(?<![\w.,/^_-])(\d[\d,]*(?:\.\d+)?)(?![\w,.]*\d)(?:\s?(%))?')
names = re.compile(r'\b(Apache|Gemma|Python|SAELens|GPT|version|quarto|nbdev) \d[\d.]*|95 % interval'
    r'|^    data: .*', re.M)  # numbers that are part of a name, or of what a run printed of its data

def links(text): return {p for p in re.findall(r'\]\((?!https?:)([^)#]+)', text)}

def paths(text):
    "What looks like a path of the repository in commands and code"
    return {p for p in re.findall(r'(?<![\w/.-])(?:\.\./)?((?:configs|sweeps|nbs|\.ci)/[\w./-]*\w)', text)}

def shown(path):
    "The text in which numbers of a file are looked for: outputs of a notebook, else all of it"
    if path.suffix != '.ipynb': return path.read_text(encoding='utf-8').replace(',', ' ' if path.suffix == '.csv' else ',')
    outs = [o for c in json.loads(path.read_text())['cells'] for o in c.get('outputs', [])]
    texts = [t for o in outs for t in (o.get('text'), *(o.get('data', {}).get(k) for k in ('text/plain', 'text/html')))]
    return '\n'.join(re.sub(r'<[^>]+>', ' ', ''.join(t)) for t in texts if t)

def values(path):
    "All numbers of a file or, for a folder, of the tables in it"
    files = [*path.rglob('*.csv'), *path.rglob('metrics.json')] if path.is_dir() else [path]
    files = [f for f in files if f.suffix in ('.ipynb', '.csv', '.json', '.yaml')]
    found = re.findall(r'(?<![\w.])\d[\d,]*(?:\.\d+)?(?:e-?\d+)?', '\n'.join(map(shown, files)))
    return {float(v.replace(',', '')) for v in found}

def prose(section):
    "A section without code, addresses and names"
    text = re.sub(r'```.*?```|<!--.*?-->', '', section, flags=re.S)
    return names.sub('', re.sub(r'`[^`]*`|\]\([^)]*\)|https?://\S+', '', text))

def missing(section):
    "Numbers of a section that are in none of the files it links to"
    known = set().union(*(values(root/p) for p in links(section) if (root/p).exists()))
    for text, percent in number.findall(prose(section)):
        digits = len(text.partition('.')[2])
        if not {text.replace(',', '')} & {f'{v*s:.{digits}f}' for v in known for s in ((1, 100) if percent else (1,))}: yield text

readme = (root/'README.md').read_text(encoding='utf-8')
wrong = [f'no such file: {p}' for p in sorted(links(readme) | paths(readme)) if not (root/p).exists()]
for section in re.split(r'^(?=## )', readme, flags=re.M):
    wrong += [f'{section.splitlines()[0]}: {n} is in no file that is linked there' for n in missing(section)]
print(*wrong, sep='\n', end='\n' if wrong else '')
sys.exit(min(len(wrong), 255))
