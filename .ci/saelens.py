"""Trains every variant for a moment, exports it, and compares it with what SAELens makes of the folder, on held-out
activations: active features, codes, reconstructions, and the metrics that follow from them. Not a part of `.ci/run`,
since SAELens needs an environment of its own.

    python .ci/saelens.py PYTHON   # the interpreter of an environment with sae-lens
"""
import subprocess, sys, tempfile
import torch
from lagsae.source.activations import harvest, token_mask
from lagsae.config import make_config
from lagsae.registry import variant_names
from lagsae.runs.metrics import evaluate, replace_at, token_losses
from lagsae.exchange.io import export_run
from lagsae.runs.experiment import Experiment
from lagsae.runs.train import train

theirs = '''
import sys, torch
from sae_lens import SAE
folder, x, out = sys.argv[1:]
sae = SAE.load_from_disk(folder)
with torch.no_grad():
    codes = sae.encode(torch.load(x))
    torch.save((codes, sae.decode(codes)), out)
'''
small = dict(tlens_model_name='tiny-python', lr=2e-3, data=dict(n_train_samples=1600, n_eval_samples=64))
hook, bad = 'blocks.2.hook_resid_pre', []
relative = lambda a, b: float((a - b).norm()/b.norm())
with tempfile.TemporaryDirectory() as d:
    for name in variant_names():
        cfg = make_config({**small, 'save_dir': d, 'wandb_run_name': name,
                           'saes': dict(sae_type=name, sae_positions=hook, n_dict_components=1024)})
        experiment = Experiment(cfg, 'cpu'); run = train(cfg, experiment=experiment, progress=False)
        [folder] = export_run(run.folder, f'{d}/exported/{name}')
        tokens = experiment.evals.read(0, len(experiment.evals))
        x = harvest(experiment.model, tokens, [hook], experiment.skip_ids)[hook]
        torch.save(x, f'{d}/x.pt')
        subprocess.run([sys.argv[1], '-c', theirs, folder, f'{d}/x.pt', f'{d}/out.pt'], check=True, stderr=subprocess.DEVNULL)
        codes, xhat = torch.load(f'{d}/out.pt')
        sae = run.load_saes()[hook]
        mine = sae.encode(x).dense()*sae.scale
        m = evaluate(experiment.model, {hook: sae}, experiment.evals, experiment.skip_ids)[hook]
        mask = token_mask(tokens, experiment.skip_ids); clean = experiment.model(tokens, return_type='logits')
        change = (hook, replace_at(mask, lambda a: xhat))
        spliced = experiment.model.run_with_hooks(tokens, return_type='logits', fwd_hooks=[change])
        ce = [token_losses(l, tokens, mask)[0].mean().item() for l in (spliced, clean)]
        x = x.double(); error = (x - xhat.double()).square().sum(1).mean().item()
        straight = dict(l0=(codes != 0).sum(1).double().mean().item(), mse=error/x.shape[1], delta_ce=ce[0] - ce[1],
                        explained_variance=1 - error/(x - x.mean(0)).square().sum(1).mean().item())
        off = {k: abs(v/m[k] - 1) for k,v in straight.items()}
        unlike = ((mine != 0) != (codes != 0)).any(1)  # an entry on its threshold: rounding decides
        same = relative(mine[~unlike], codes[~unlike]), relative(sae(x.float())[~unlike], xhat[~unlike])
        print(f'{name:22} tokens with other active features: {int(unlike.sum())} of {len(x)}; on the others codes differ by '
              f'{same[0]:.1e}, outputs by {same[1]:.1e}; ' + ', '.join(f'{k} {v:.1e}' for k,v in off.items()), flush=True)
        if max(same) > 1e-5 or unlike.sum() > 1e-3*len(x) or not unlike.any() and max(off.values()) > 1e-5: bad.append(name)
print('all agree' if not bad else f'differing: {", ".join(bad)}')
sys.exit(bool(bad))
