"House rules that a program can check; prints what breaks them and exits with the number of rules broken"
import json, re, sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
notebooks = [p for p in sorted((root/'nbs').rglob('*.ipynb')) if not re.search(r'/[._]', str(p.relative_to(root)))]
cells = [(p.relative_to(root), c) for p in notebooks for c in json.loads(p.read_text())['cells']]
code = [(p, ''.join(c['source']), c) for p,c in cells if c['cell_type'] == 'code']
exported = [(p, s) for p,s,_ in code if re.match(r'#\|\s*exports?\b', s)]
variants = [p.stem for p in (root/'nbs/variants').glob('*.ipynb')]
shared_words = {'relu', 'topk'}  # also names of a function and a method of torch

def rules():
    "Yields (rule, offenders)"
    yield 'an exported cell has at most 45 lines', [f'{p}: {s.split(chr(10))[1][:60]}' for p,s in exported if len(s.splitlines()) > 45]
    yield 'a line of code has at most 180 characters', [f'{p}: {l[:60]}' for p,s,_ in code for l in s.splitlines() if len(l) > 180]
    yield 'a notebook has at most 150 kB', [f'{p.relative_to(root)}: {p.stat().st_size//1000} kB' for p in notebooks if p.stat().st_size > 150_000]
    yield 'nothing probes with hasattr', [str(p) for p,s in exported if 'hasattr' in s]
    names = [v for v in variants if v not in shared_words]
    outside = [(p, s) for p,s in exported if 'variants' not in p.parts]
    yield 'no variant is named outside nbs/variants', [f'{p}: {m[0]}' for p,s in outside if (m := re.search(rf"""['"]({'|'.join(names)})['"]""", s)) and not re.search(r'sae_type: str', s)]
    yield 'outputs carry no errors and no interactive figures', [str(p) for p,_,c in code for o in c['outputs'] if o['output_type'] == 'error' or 'application/vnd.plotly.v1+json' in o.get('data', {})]
    yield 'outputs carry no warnings', [str(p) for p,_,c in code for o in c['outputs'] if o.get('name') == 'stderr']
    yield 'papermill notebooks have a parameters cell', [str(p.relative_to(root)) for p in notebooks if p.parent.name == 'runs'
        and not any('parameters' in c['metadata'].get('tags', []) for q,c in cells if q == p.relative_to(root))]

broken = [(rule, found) for rule,found in rules() if found]
for rule, found in broken: print(f'{rule}:', *found, sep='\n  ')
sys.exit(len(broken))
