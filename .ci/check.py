"House rules that a program can check; prints what breaks them and exits with the number of rules broken"
import ast, configparser, io, json, os, re, subprocess, sys, tokenize
from pathlib import Path

root = Path(__file__).resolve().parent.parent
nbs = root/'nbs'
generated = re.compile(r'/[._]|nbs/output/|nbs/templates/output/')
notebooks = [p for p in sorted(nbs.rglob('*.ipynb')) if not generated.search(str(p.relative_to(root)))]
cells = [(p.relative_to(root), c) for p in notebooks for c in json.loads(p.read_text())['cells']]
code = [(p, ''.join(c['source']), c) for p,c in cells if c['cell_type'] == 'code']
exported = [(p, s) for p,s,_ in code if re.match(r'#\|\s*exports?\b', s)]
modules = sorted((root/'lagsae').rglob('*.py'))
variants = [p.stem for p in (nbs/'variants').glob('*.ipynb')]

WINGS = ['errors', 'files', 'registry', 'config', 'sparse', 'sae', 'variants', 'source', 'runs', 'explore', 'exchange',
         'lab', 'front', 'cli']  # each imports itself and those before it

OLD_NAMES = set('''hold first_cut own_l0 HeldJumpReLU follow relax Scan look of_cols sum_by_col sum_by_row roomy evened EVEN
weighed shrunk orient dominant centre shrink_encoder massive kept special trouble _Steps Setup position positions
l0_by_position place uncalibrated_l0 tier told judged land prices record recorded Recorded bundled open_saes landing put
set_path named shipped'''.split())  # the glossary has a better word for each

def imports():
    "Yields (module, imported module) for all imports inside the package"
    for path in modules:
        parts = path.relative_to(root/'lagsae').with_suffix('').parts
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom): continue
            base = ['lagsae', *parts[:-1]][:len(parts) + 1 - node.level] if node.level else []
            full = [*base, *filter(None, (node.module or '').split('.'))]
            if full[:1] == ['lagsae'] and len(full) > 1 and parts[0] in WINGS: yield parts, tuple(full[1:])

def rightward():
    "Imports that go from a wing to one after it"
    return sorted({f'{"/".join(a)}: {".".join(b)}' for a,b in imports() if WINGS.index(b[0]) > WINGS.index(a[0])})

def functions(node):
    "Functions and methods, however deep"
    return [n for n in ast.walk(node) if isinstance(n, ast.FunctionDef)]

def median(values): return sorted(values)[len(values)//2]

def length(node): return node.end_lineno - node.lineno + 1

def joined(source:str)->bool:
    "Whether a semicolon joins statements"
    return any(t.type == tokenize.OP and t.string == ';' for t in tokenize.generate_tokens(io.StringIO(source).readline))

def defined(tree):
    "Names of functions, classes, parameters and attributes that a module defines"
    for n in ast.walk(tree):
        if isinstance(n, ast.FunctionDef | ast.ClassDef): yield n.name
        if isinstance(n, ast.arg): yield n.arg
        if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store): yield n.attr

def anchors(path:Path)->set:
    "The anchors of a notebook's headings"
    texts = ['\n' + ''.join(c['source']) for c in json.loads(path.read_text())['cells'] if c['cell_type'] == 'markdown']
    return {h.strip().replace(' ', '-') for t in texts for h in re.findall(r'\n#+ (.*)', t)}

def broken_links():
    "Links between notebooks, and to files beside them, that lead nowhere"
    for p,c in cells:
        if c['cell_type'] != 'markdown': continue
        for target, anchor in re.findall(r'\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)', ''.join(c['source'])):
            path = (root/p).parent/target if target else root/p
            if not path.exists(): yield f'{p}: {target}'
            elif anchor and path.suffix == '.ipynb' and anchor not in anchors(path): yield f'{p}: {target}#{anchor}'

def rules():
    "Yields (rule, offenders)"
    trees = [(p, s, ast.parse(s)) for p,s in exported]
    defs = [(p, [n for n in t.body if isinstance(n, ast.FunctionDef | ast.ClassDef)]) for p,_,t in trees]
    yield 'an exported cell defines one function or class', [f'{p}: {d[1].name}' for p,d in defs if len(d) > 1]
    yield 'a function has at most 40 lines', [f'{p}: {f.name}, {length(f)}' for p,_,t in trees for f in functions(t) if length(f) > 40]
    sizes = [len(s.splitlines()) - 1 for p,s,t in trees if any(isinstance(n, ast.FunctionDef | ast.ClassDef) for n in t.body)]
    yield 'the median exported cell has at most 15 lines', [str(median(sizes))] if median(sizes) > 15 else []
    yield 'one statement per line in exported code', [f'{p}: {d[0].name if d else ""}' for (p,d),(_,s) in zip(defs, exported) if joined(s)]
    yield 'a line of code has at most 120 characters', [f'{p}: {l}' for p,s,_ in code for l in s.splitlines() if len(l) > 120]
    limits = {p: 300 if p.parent.name == 'study' or p.name == 'index.ipynb' else 150 for p in notebooks}
    yield 'a notebook has at most 150 kB, one of results 300', [f'{p.name}: {p.stat().st_size//1000}' for p,kb in limits.items() if p.stat().st_size > 1000*kb + 999]
    yield 'nothing probes with hasattr', [str(p) for p,s in exported if 'hasattr' in s]
    named = re.compile(rf"""(?<!sae_type:str=)['"]({'|'.join(variants)})['"]""")
    yield 'no variant is named outside nbs/variants, but as a default', [f'{p}: {m[0]}' for p,s in exported if 'variants' not in p.parts for m in named.finditer(s)]

    yield 'a wing imports itself and wings before it', rightward()
    yield 'sae/ knows no kind of device', [str(p) for p,s in exported if p.parts[1] == 'sae' and 'device.type' in s]
    old = [(p.relative_to(root), n) for p in modules for n in set(defined(ast.parse(p.read_text()))) if n in OLD_NAMES]
    yield 'nothing has a name that the glossary has a better word for', [f'{p}: {n}' for p,n in old]
    yield 'links between notebooks lead somewhere', sorted(set(broken_links()))

    outputs = [(p, o) for p,_,c in code for o in c['outputs']]
    yield 'outputs carry no errors', [str(p) for p,o in outputs if o['output_type'] == 'error']
    yield 'outputs carry no warnings', [str(p) for p,o in outputs if o.get('name') == 'stderr']
    yield 'outputs carry no interactive figures', [str(p) for p,o in outputs if 'application/vnd.plotly.v1+json' in o.get('data', {})]
    tagged = {p for p,c in cells if 'parameters' in c['metadata'].get('tags', [])}
    templates = {p.relative_to(root) for p in notebooks if p.parent.name == 'templates'}
    yield 'notebooks for papermill have a parameters cell', sorted(map(str, templates - tagged))

    settings = configparser.ConfigParser()
    settings.read(root/'settings.ini')
    oldest = settings['DEFAULT']['min_python']
    command = [sys.executable, '-c', 'from vermin.main import main; main()', f'-t={oldest}-', '--violations', '--no-tips', str(root/'lagsae')]
    done = subprocess.run(command, capture_output=True, text=True)
    yield f'nothing needs a newer Python than {oldest}', (done.stdout + done.stderr).splitlines() if done.returncode else []

if '--count' in sys.argv:
    pairs = set(imports())
    lines = [len(s.splitlines()) - 1 for p,s in exported if re.search(r'^(def|class) ', s, re.M)]
    print(f'{len(modules)} modules, {len(pairs)} imports between them, {len(rightward())} to a wing after their own; '
          f'{len(lines)} exported cells with a median of {median(lines):g} lines; {sum(joined(s) for _,s in exported)} with joined statements')
    sys.exit()
broken = [(rule, found) for rule,found in rules() if found]
for rule, found in broken: print(f'{rule}:', *found, sep='\n  ')
sys.exit(len(broken))
