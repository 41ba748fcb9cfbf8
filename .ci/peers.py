"""Compares what `read_sae` makes of SAEs with random weights, saved by SAELens, sparsify and dictionary_learning, with
what their own code makes of them: active features, codes, and reconstructions. Not a part of `.ci/run`, since each needs
an environment of its own.

    python .ci/peers.py saelens=PYTHON sparsify=PYTHON dictionary_learning=PYTHON   # any of them
"""
import subprocess, sys, tempfile
from pathlib import Path
import torch
from lagsae.exchange.io import read_sae

common = '''
import json, sys, torch
from pathlib import Path
root, D, F, k = Path(sys.argv[1]), 64, 512, 12
torch.manual_seed(0)
x = 8*torch.randn(500, D) + torch.randn(D)
def random(module):
    with torch.no_grad():
        for n, p in module.named_parameters(): p.copy_(torch.randn_like(p).abs() if 'threshold' in n else .3*torch.randn_like(p))
    return module.eval()
def keep(folder, codes, xhat): torch.save(dict(x=x, codes=codes.float(), xhat=xhat), folder/'made.pt')
'''
saelens = common + '''
from sae_lens import SAE
from sae_lens.registry import get_sae_class
from sae_lens.saes.sae import SAEMetadata
for kind in ('standard', 'topk', 'topk rescaled', 'jumprelu', 'gated'):
    for centred in (True, False):
        cls, cfg = get_sae_class(kind.split()[0])
        more = dict(k=k, rescale_acts_by_decoder_norm='rescaled' in kind) if 'topk' in kind else {}
        meta = SAEMetadata(model_name='gpt2', hook_name='blocks.1.hook_resid_pre')
        sae = random(cls(cfg(d_in=D, d_sae=F, dtype='float32', device='cpu', apply_b_dec_to_input=centred, metadata=meta, **more)))
        folder = root/(kind + ', centred'*centred); sae.save_model(folder); sae = SAE.load_from_disk(folder)
        with torch.no_grad(): codes = sae.encode(x); keep(folder, codes, sae.decode(codes))
'''
sparsify = common + '''
from sparsify import SparseCoder, SparseCoderConfig
for dtype in (torch.float32, torch.bfloat16):
    sae = random(SparseCoder(D, SparseCoderConfig(num_latents=F, k=k), dtype=dtype)); folder = root/str(dtype)
    sae.save_to_disk(folder); sae = SparseCoder.load_from_disk(folder).float()
    with torch.no_grad():
        found = sae.encode(x); codes = torch.zeros(len(x), F).scatter(1, found.top_indices, found.top_acts)
        keep(folder, codes, sae.decode(found.top_acts, found.top_indices))
'''
dictionary_learning = common + '''
from dictionary_learning import dictionary as d
from dictionary_learning.trainers.batch_top_k import BatchTopKSAE
from dictionary_learning.trainers.matryoshka_batch_top_k import MatryoshkaBatchTopKSAE
from dictionary_learning.trainers.top_k import AutoEncoderTopK
from dictionary_learning.utils import load_dictionary
made = [d.AutoEncoder(D, F), d.AutoEncoderNew(D, F), d.GatedAutoEncoder(D, F), d.JumpReluAutoEncoder(D, F),
        AutoEncoderTopK(D, F, k), BatchTopKSAE(D, F, k), MatryoshkaBatchTopKSAE(D, F, k, [F//4, 3*F//4])]
for sae in made:
    kind = type(sae).__name__; folder = root/kind; folder.mkdir(); random(sae)
    if kind in ('BatchTopKSAE', 'MatryoshkaBatchTopKSAE'): sae.threshold.fill_(9.)
    torch.save(sae.state_dict(), folder/'ae.pt')
    said = dict(dict_class=kind, activation_dim=D, dict_size=F, k=k, lm_name='EleutherAI/pythia-70m')
    (folder/'config.json').write_text(json.dumps(dict(trainer=said)))
    sae, _ = load_dictionary(str(folder), 'cpu')
    with torch.no_grad(): codes = sae.encode(x); keep(folder, codes, sae.decode(codes))
'''
scripts = dict(saelens=saelens, sparsify=sparsify, dictionary_learning=dictionary_learning)
relative, bad = lambda a, b: float((a - b).norm()/b.norm()), []
for argument in sys.argv[1:]:
    name, _, python = argument.partition('=')
    with tempfile.TemporaryDirectory() as root:
        subprocess.run([python, '-c', scripts[name], root], check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        for folder in sorted(Path(root).iterdir()):
            made = torch.load(folder/'made.pt'); (folder/'made.pt').unlink()
            sae, _ = read_sae(folder); codes = sae.encode(made['x']).dense()
            unlike = int(((codes != 0) != (made['codes'] != 0)).sum())
            off = relative(codes, made['codes']), relative(sae(made['x']), made['xhat'])
            print(f'{name:20} {folder.name:24} of {int((made["codes"] != 0).sum()):6} active features {unlike} differ; '
                  f'codes by {off[0]:.1e}, outputs by {off[1]:.1e}', flush=True)
            if unlike or max(off) > 1e-5: bad.append(f'{name} {folder.name}')
print('all agree' if not bad else f'differing: {", ".join(bad)}')
sys.exit(bool(bad))
