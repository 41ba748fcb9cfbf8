"House rules that a program can check; prints what breaks them and exits with the number of rules broken"
import ast, configparser, json, re, subprocess, sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
notebooks = [p for p in sorted((root/'nbs').rglob('*.ipynb')) if not re.search(r'/[._]|nbs/output/|nbs/templates/output/', str(p.relative_to(root)))]
cells = [(p.relative_to(root), c) for p in notebooks for c in json.loads(p.read_text())['cells']]
code = [(p, ''.join(c['source']), c) for p,c in cells if c['cell_type'] == 'code']
exported = [(p, s) for p,s,_ in code if re.match(r'#\|\s*exports?\b', s)]
variants = [p.stem for p in (root/'nbs/variants').glob('*.ipynb')]

def definitions():
    "Every function and class that stands at the top of an exported cell: (notebook, node, number of lines)"
    for p,s in exported:
        for node in ast.parse(s).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)): yield p, node, node.end_lineno - node.lineno + 1

def too_long(kind, limit): return [f'{p}: {n.name}, {l}' for p,n,l in definitions() if isinstance(n, kind) and l > limit]

WINGS = ['errors', 'files', 'registry', 'config', 'sparse', 'sae', 'variants', 'source', 'runs', 'explore', 'exchange', 'lab', 'cli']

def upward():
    "Imports of exported code that do not go from a wing to itself or to one on its left"
    for p in sorted((root/'lagsae').rglob('*.py')):
        parts = p.relative_to(root/'lagsae').with_suffix('').parts
        for node in ast.walk(ast.parse(p.read_text())):
            if not isinstance(node, ast.ImportFrom): continue
            base = ['lagsae', *parts[:-1]][:len(parts) + 1 - node.level] if node.level else []
            full = [*base, *(node.module or '').split('.')]
            if full[0] != 'lagsae' or full[1:2] in ([], ['']) or parts[0] not in WINGS: continue
            if WINGS.index(full[1]) > WINGS.index(parts[0]): yield f'{"/".join(parts)}: {".".join(full)}'

def rules():
    "Yields (rule, offenders)"
    yield 'a function has at most 35 lines', too_long(ast.FunctionDef, 35)
    yield 'a class has at most 80 lines', too_long(ast.ClassDef, 80)
    yield 'a line of code has at most 120 characters', [f'{p}: {l}' for p,s,_ in code for l in s.splitlines() if len(l) > 120]
    sizes = {p: (p.stat().st_size//1000, 300 if p.parent.name == 'study' or p.name == 'index.ipynb' else 150) for p in notebooks}
    yield 'a notebook has at most 150 kB, one of results 300', [f'{p.name}: {n}' for p, (n, most) in sizes.items() if n > most]
    yield 'nothing probes with hasattr', [str(p) for p,s in exported if 'hasattr' in s]
    named = re.compile(rf"""(?<!sae_type:str=)['"]({'|'.join(variants)})['"]""")
    yield 'no variant is named outside nbs/variants, but as a default', [f'{p}: {m[0]}' for p,s in exported if 'variants' not in p.parts for m in named.finditer(s)]
    outputs = [(p, o) for p,_,c in code for o in c['outputs']]
    yield 'outputs carry no errors', [str(p) for p,o in outputs if o['output_type'] == 'error']
    yield 'outputs carry no warnings', [str(p) for p,o in outputs if o.get('name') == 'stderr']
    yield 'outputs carry no interactive figures', [str(p) for p,o in outputs if 'application/vnd.plotly.v1+json' in o.get('data', {})]
    tagged = {p for p,c in cells if 'parameters' in c['metadata'].get('tags', [])}
    runs = {p.relative_to(root) for p in notebooks if p.parent.name == 'templates'}
    yield 'notebooks for papermill have a parameters cell', sorted(map(str, runs - tagged))

    yield 'a wing imports from itself and from wings to its left', sorted(set(upward()))

    settings = configparser.ConfigParser(); settings.read(root/'settings.ini')
    oldest = settings['DEFAULT']['min_python']
    command = [sys.executable, '-c', 'from vermin.main import main; main()', f'-t={oldest}-', '--violations', '--no-tips', str(root/'lagsae')]
    done = subprocess.run(command, capture_output=True, text=True)
    yield f'nothing needs a newer Python than {oldest}', (done.stdout + done.stderr).splitlines() if done.returncode else []

broken = [(rule, found) for rule,found in rules() if found]
for rule, found in broken: print(f'{rule}:', *found, sep='\n  ')
sys.exit(len(broken))
