"""All that needs a GPU, in under 8 minutes; not part of `.ci/run`, since that needs none

    python .ci/gpu.py [--tiny] [--device cpu] [--only a,b] OUT

Each section runs in a process of its own, so that a fault of the GPU in one leaves the others alone; its time and what
it printed go to OUT/report.txt. Sections take their turns in the order below, until the time is up."""
import argparse, contextlib, copy, gc, hashlib, json, os, shutil, signal, subprocess, sys, tempfile, time, traceback, warnings
from pathlib import Path
warnings.filterwarnings('ignore')

LIMITS = dict(kernels=90, equality=75, determinism=90, steps=240, profile=60, quickstart=60, quality=130)  # seconds, each
TOTAL = 450  # no section begins after this, or runs beyond it; installing what is carried takes half a minute more
parser = argparse.ArgumentParser()
parser.add_argument('out', type=Path)
parser.add_argument('--section')
parser.add_argument('--only', default='')
parser.add_argument('--device', default='cuda')
parser.add_argument('--tiny', action='store_true')
parser.add_argument('--peers', default=sys.executable)
parser.add_argument('--total', type=float, default=TOTAL)
args = parser.parse_args()
device, tiny, out = 'cuda:0' if args.device == 'cuda' else args.device, args.tiny, args.out
cuda = device.startswith('cuda')
TMP = Path(tempfile.gettempdir())/'lagsae-gpu'
HOOK = 'blocks.2.hook_resid_pre'
SHAPES = {'64:1024:16': (64, 1024, 16.)} if tiny else {'A': (768, 24576, 32.), 'B': (2304, 65536, 64.)}
BATCH = 256 if tiny else 4096

def each(name, items, f):
    "Call f for each item; an error is a line, not the end"
    for item in items:
        try: print(name, item, f(item), flush=True)
        except Exception as e: print(name, item, 'FAILED', type(e).__name__, ' '.join(str(e).split())[:400], '\n', traceback.format_exc()[-900:], flush=True)
        gc.collect()
        if cuda: torch.cuda.empty_cache()

def kernels():
    "(i) kernels against their references, one step against the dense one, waits, and a few steps twice and resumed"
    from lagsae.registry import variant_names
    try: from lagsae.lab import kernels as k
    except ImportError: from lagsae.sparse import kernels as k
    checks = [f for f in ('check_kernels', 'check_step', 'check_waits', 'check_runs') if f in vars(k)]
    if not checks: return print('no check_kernels')
    from lagsae.sparse import kernels as backends
    with backends.use('triton') if 'use' in vars(backends) else contextlib.nullcontext(): _check(k, checks, variant_names())

def _check(k, checks, names):
    for f in checks:
        if f == 'check_kernels':
            each(f, [device], k.check_kernels)
            each(f'{f}, float32', [device], lambda d: k.check_kernels(d, torch.float32, 1e-5))
        elif f == 'check_step':
            each(f, names, lambda v: k.check_step(v, device))
            each('check_step, larger:', names, lambda v: k.check_step(v, device, n=128 if tiny else 512, d_in=200, d_sae=1000 if tiny else 4096, l0=16.))
        else: each(f, names, lambda v: vars(k)[f](v, device))

def equality():
    "(i) five steps on the GPU from the same state as on the CPU: scalars, codes, change of the weights"
    from lagsae.lab.protocol import l0_kwargs
    from lagsae.lab.synthetic import known_truth
    from lagsae.registry import variant_names
    from lagsae.sae.core import build
    from lagsae.sae.learner import Learner
    truth = known_truth('hierarchy')  # 128 dimensions
    d_sae, n, steps = (256, 128, 3) if tiny else (4096, 1024, 5)
    xs = [truth.sample(n, s) for s in range(2, 2 + steps)]
    calibration = truth.sample(8*n, 1)
    def compare(variant):
        make = lambda: Learner(*build(variant, 128, d_sae, l0_kwargs(variant, 16.)), n_tokens=10**7)
        ours = make()
        ours.initialize(calibration)
        state, before = copy.deepcopy(ours.state()), ours.sae.W_dec.detach().clone()
        other = make().to(device)
        other.load_state(state)
        worst = {}
        for i, x in enumerate(xs):
            a = {k: float(v.detach()) for k, v in ours.step(x, i/100, 1.).items()}
            b = {k: float(v.detach()) for k, v in other.step(x.to(device), i/100, 1.).items()}
            for k in a: worst[f'{k}@{"first" if i == 0 else "later"}'] = max(worst.get(f'{k}@{"first" if i == 0 else "later"}', 0), abs(a[k] - b[k])/max(1e-12, abs(a[k])))
        for name, p in ours.sae.named_parameters():
            q = dict(other.sae.named_parameters())[name].detach().cpu()
            if name == 'W_dec': worst['change of W_dec'] = float((p.detach() - q).norm()/(p.detach() - before).norm())
            worst[name] = float((p.detach() - q).norm()/p.detach().norm().clamp(min=1e-12))
        codes = [l.sae.encode(xs[0].to(l.sae.mean.device)) for l in (ours, other)]
        active = [c.dense().cpu() != 0 for c in codes]
        worst['active sets differ'] = int((active[0] != active[1]).sum())
        top = lambda what: '{1:.2g} ({0})'.format(*max(((k, v) for k, v in worst.items() if what(k)), key=lambda kv: kv[1]))
        return dict(first=top(lambda k: '@first' in k), later=top(lambda k: '@later' in k), weights=top(lambda k: '@' not in k and ' ' not in k),
                    **{k: float(f'{v:.2g}') for k, v in worst.items() if ' ' in k})
    each('equality', variant_names(), compare)

def digest(run):
    tensors = [t for s in run.load_saes().values() for t in s.state_dict().values()]
    return hashlib.sha256(b''.join(t.cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes() for t in tensors)).hexdigest()[:12]

def command(name, n, *more):
    few = (f'data.n_eval_samples={32 if tiny else 64}', *(['data.context_length=32', 'data.buffer_tokens=4096', 'saes.dict_size_to_input_ratio=2'] if tiny else []))
    return [sys.executable, '-m', 'lagsae', 'train', '--config_path', 'quickstart', '--device', device, '--set', f'save_dir={TMP}', f'wandb_run_name={name}', f'data.n_train_samples={n}', f'save_every_n_samples={n//8}', *few, *more]

def determinism():
    "(ii) same seed twice; kill -9 and resume"
    from lagsae.runs.folder import Run
    n, found = 640 if tiny else 6400, {}
    for variant in ('lagrangian',) if tiny else ('lagrangian', 'topk'):
        more = [f'saes.sae_type={variant}'] + ([] if variant == 'lagrangian' else ['saes.target_l0=null', 'saes.k=32'])
        def start(name): return subprocess.Popen(command(f'{variant}-{name}', n, *more), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        def finish(name, p):
            error = p.communicate()[1]
            if p.returncode: print(variant, name, p.returncode, error[-700:])
            found[variant, name] = digest(Run(TMP/f'{variant}-{name}'))
        def kill():
            folder = TMP/f'{variant}-c'
            p = subprocess.Popen(command(f'{variant}-c', n, *more), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while p.poll() is None and not list((folder/'state').glob('samples_*.pt')): time.sleep(.005)
            time.sleep(.05)
            p.send_signal(signal.SIGKILL)
            p.wait()
            return sorted(f.name for f in (folder/'state').glob('*')), (folder/'metrics.json').exists()
        both = [(name, start(name)) for name in 'ab']  # beside each other, and beside the one that is killed
        print(variant, 'killed after', kill(), flush=True)
        for name, p in both: finish(name, p)
        finish('c', start('c'))
        print('determinism', variant, found[variant, 'a'], 'same seed:', found[variant, 'a'] == found[variant, 'b'], 'kill -9 and resume:', found[variant, 'a'] == found[variant, 'c'], flush=True)

def steps():
    "(iii) steps of all variants and of the other toolkits in all modes"
    from lagsae.lab.bench import compare, speedups
    table = compare(SHAPES, torch.device(device), args.peers, BATCH, n=3 if tiny else 15, budget=.1 if tiny else .5, out=out/'peers.csv')
    (out/'peers.json').write_text(json.dumps(dict(machine=table.attrs['machine'], steps=json.loads(table.to_json(orient='records'))), indent=1))
    print(table.attrs['machine'])
    print(speedups(table).to_string())
    print(table[table.toolkit == 'lagsae'].dropna(axis=1, how='all').to_string())
    print(table[table.note.notna()][['shape', 'toolkit', 'variant', 'mode', 'note']].to_string())

def profile():
    "(iv) time of each kernel in one step"
    from lagsae.lab.bench import count_launches, learner_at
    from torch.profiler import ProfilerActivity as A
    def one(name):
        d_in, d_sae, l0 = SHAPES[name]
        torch.manual_seed(0)
        x = torch.randn(BATCH, d_in, device=device)
        learner = learner_at('lagrangian', d_in, d_sae, l0, x, 'auto')
        for _ in range(10): learner.step(x, 1., 0.)
        with torch.profiler.profile(activities=[A.CPU, *([A.CUDA] if cuda else [])]) as p:
            for _ in range(4): learner.step(x, 1., 0.)
            if cuda: torch.cuda.synchronize()
        key = 'self_device_time_total' if cuda else 'self_cpu_time_total'
        from torch.autograd import DeviceType
        # operations of PyTorch are given the time of their kernels too: count kernels only
        kind = DeviceType.CUDA if cuda else DeviceType.CPU
        events = sorted((e for e in p.key_averages() if e.device_type == kind), key=lambda e: -getattr(e, key))
        calls = [e for e in p.key_averages() if e.key.startswith('cu')]
        lines = [f'{getattr(e, key)/4:10.1f} us a step  {e.count/4:6.1f} times  {e.key[:100]}' for e in events if getattr(e, key) > 0]
        (out/f'profile_{name.replace(":", "_")}.txt').write_text('\n'.join(lines) + '\n\n' + '\n'.join(f'{e.count/4:8.1f}  {e.key}' for e in calls))
        print('\n'.join(lines[:25]))
        for part in vars(getattr(learner, 'fixed', None) or learner).values():
            if type(part).__name__ == 'Replay': print('graph:', 'none, because ' + str(part.reason) if part.reason else f'{len(part.entries)} kept')
        return f'{sum(getattr(e, key) for e in events)/4:.0f} us a step in all,', count_launches(learner, x)
    each('profile', SHAPES, one)

def quickstart():
    "(v) the quickstart: seconds and metrics, three seeds; seed 0 on the CPU ran beside the first sections"
    from lagsae.config import load_config
    from lagsae.runs.train import train
    small = ['data.n_train_samples=320', 'data.n_eval_samples=32', 'saes.dict_size_to_input_ratio=2'] if tiny else []
    found = {}
    def one(seed):
        m = train(load_config('quickstart', [f'save_dir={TMP}', f'wandb_run_name=q{seed}', f'seed={seed}', *small]), device, progress=False).metrics
        found[seed] = dict(seconds=m['seconds'], **{k: m['positions'][HOOK].get(k) for k in ('l0', 'l0_uncalibrated', 'explained_variance', 'delta_ce', 'ce_recovered', 'alive_fraction', 'verdict')})
        (out/'quickstart.json').write_text(json.dumps(found, indent=1))
        return json.dumps(found[seed])
    each('quickstart', [0] if tiny else [0, 1, 2], one)

def quickstart_cpu():
    "(v) the quickstart on half of the CPU, to compare with"
    from lagsae.config import load_config
    from lagsae.runs.train import train
    torch.set_num_threads(max(1, len(os.sched_getaffinity(0))))
    m = train(load_config('quickstart', [f'save_dir={TMP}', 'wandb_run_name=cpu', *(['data.n_train_samples=320'] if tiny else [])]), 'cpu', progress=False).metrics
    print('quickstart on the CPU, seed 0', m['seconds'], {k: m['positions'][HOOK].get(k) for k in ('l0', 'l0_uncalibrated', 'explained_variance', 'delta_ce', 'ce_recovered', 'alive_fraction', 'verdict')})

def quality():
    "(vi) FVU at which L0, all toolkits on the same tokens; ours on the CPU and on the GPU"
    import pandas as pd
    from lagsae.lab.bench import quality
    from lagsae.lab.synthetic import known_truth
    few, d = ['topk', 'batch_topk', 'jump_relu', 'lagrangian'], torch.device(device)
    tables = [quality(d, args.peers, known_truth('superposition', n_held=2000 if tiny else 20_000), n_steps=20 if tiny else 500, variants=few, on_cpu=True).assign(data='superposition, 512 features')]
    def show():
        t = pd.concat(tables)
        t.to_csv(out/'quality.csv', index=False)
        print(tables[-1].round(4).to_string(), flush=True)
    show()
    if tiny: return
    from lagsae.source.recorded import bundled_activations
    data = bundled_activations([HOOK], 2048*500, device)[HOOK]
    tables.append(quality(d, args.peers, data, d_sae=2048, l0=32., n_steps=400, batch=2048, variants=few).assign(data='tiny-python, 2048 features'))
    show()

if args.section:
    import torch
    globals()[args.section]()
    sys.exit()
out.mkdir(parents=True, exist_ok=True)
shutil.rmtree(TMP, ignore_errors=True)  # a run that is there already would not be trained
begin, report = time.time(), open(out/'report.txt', 'a')
def say(*a):
    print(*a, flush=True)
    print(*a, file=report, flush=True)
def beside():
    "Start the quickstart on the second half of the processor's cores"
    cores = sorted(os.sched_getaffinity(0))
    half = set(cores[len(cores)//2:])
    return subprocess.Popen([sys.executable, __file__, str(out), '--section', 'quickstart_cpu', *(['--tiny'] if tiny else [])], stdout=open('/tmp/quickstart-cpu.log', 'w'),
                            stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=lambda: os.sched_setaffinity(0, half))
def collect(p, seconds):
    "Wait for it, so that it disturbs no measurement"
    try: p.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        p.wait()
        say('the quickstart on the CPU was stopped')
    say(*[l.strip() for l in open('/tmp/quickstart-cpu.log') if 'quickstart' in l or 'Error' in l])
other = beside() if 'quickstart' in (args.only or 'quickstart') else None
for name, limit in LIMITS.items():
    if other and name in ('steps', 'profile', 'quickstart') and not (args.only and name not in args.only.split(',')):
        collect(other, 30 if name == 'steps' else 300)
        other = None
    if args.only and name not in args.only.split(','): continue
    left, start = args.total - (time.time() - begin), time.time()
    if left < 10:
        say('--', name, 'left out: the time is up')
        continue
    same = ['--device', args.device, '--peers', args.peers, *(['--tiny'] if tiny else [])]
    log = open(out/'section.log', 'w+')
    p = subprocess.Popen([sys.executable, __file__, str(out), '--section', name, *same], stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try: status = p.wait(min(limit, left))
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        status = f'stopped at {min(limit, left):.0f} s'
    log.seek(0)
    say(''.join(l for l in log.readlines() if 'USDT' not in l)[-9000:])
    say(f'-- {name}: {time.time() - start:.1f} s, {"ok" if status == 0 else status}; {time.time() - begin:.0f} s in all\n')
(out/'section.log').unlink()
