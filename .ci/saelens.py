"""Train every variant briefly, export it, and compare it with the SAE that SAELens loads from the folder, on held-out
activations: active features, codes, reconstructions, and the metrics that follow from them. Not part of `.ci/run`, since
SAELens needs an environment of its own.

    python .ci/saelens.py PYTHON   # interpreter of an environment with sae-lens
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
hook, failed = 'blocks.2.hook_resid_pre', []
relative = lambda a, b: float((a - b).norm()/b.norm())

def direct_metrics(experiment, tokens, x, codes, xhat)->dict:
    "Compute metrics of SAELens's codes and reconstructions from their definitions"
    mask = token_mask(tokens, experiment.skip_ids)
    clean = experiment.model(tokens, return_type='logits')
    change = (hook, replace_at(mask, lambda a: xhat))
    spliced = experiment.model.run_with_hooks(tokens, return_type='logits', fwd_hooks=[change])
    ce = [token_losses(l, tokens, mask)[0].mean().item() for l in (spliced, clean)]
    x = x.double()
    error = (x - xhat.double()).square().sum(1).mean().item()
    return dict(l0=(codes != 0).sum(1).double().mean().item(), mse=error/x.shape[1], delta_ce=ce[0] - ce[1],
                explained_variance=1 - error/(x - x.mean(0)).square().sum(1).mean().item())

def compare(name:str, d:str)->bool:
    "Train and export one variant; print how far SAELens differs, and return whether both agree"
    cfg = make_config({**small, 'save_dir': d, 'wandb_run_name': name,
                       'saes': dict(sae_type=name, sae_positions=hook, n_dict_components=1024)})
    experiment = Experiment(cfg, 'cpu')
    run = train(cfg, experiment=experiment, progress=False)
    [folder] = export_run(run.folder, f'{d}/exported/{name}')
    tokens = experiment.evals.read(0, len(experiment.evals))
    x = harvest(experiment.model, tokens, [hook], experiment.skip_ids)[hook]
    torch.save(x, f'{d}/x.pt')
    subprocess.run([sys.argv[1], '-c', theirs, folder, f'{d}/x.pt', f'{d}/out.pt'], check=True,
                   stderr=subprocess.DEVNULL)
    codes, xhat = torch.load(f'{d}/out.pt')
    sae = run.load_saes()[hook]
    ours = sae.encode(x).dense()*sae.scale
    m = evaluate(experiment.model, {hook: sae}, experiment.evals, experiment.skip_ids)[hook]
    metric_errors = {k: abs(v/m[k] - 1) for k,v in direct_metrics(experiment, tokens, x, codes, xhat).items()}
    unlike = ((ours != 0) != (codes != 0)).any(1)  # rounding decides about a pre-activation at its threshold
    errors = relative(ours[~unlike], codes[~unlike]), relative(sae(x.float())[~unlike], xhat[~unlike])
    print(f'{name:22} {int(unlike.sum())} of {len(x)} tokens have other active features; on the rest codes differ by '
          f'{errors[0]:.1e}, outputs by {errors[1]:.1e}; ' + ', '.join(f'{k} {v:.1e}' for k,v in metric_errors.items()),
          flush=True)
    metrics_agree = unlike.any() or max(metric_errors.values()) <= 1e-5
    return max(errors) <= 1e-5 and unlike.sum() <= 1e-3*len(x) and bool(metrics_agree)

with tempfile.TemporaryDirectory() as d:
    for name in variant_names():
        if not compare(name, d): failed.append(name)
print('all agree' if not failed else f'different: {", ".join(failed)}')
sys.exit(bool(failed))
