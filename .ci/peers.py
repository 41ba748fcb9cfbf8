"""Save SAEs with random weights by SAELens, sparsify and dictionary_learning, and compare what `read_sae` reads with the
toolkit's own code: active features, codes, and reconstructions. Not part of `.ci/run`, since each toolkit needs an
environment of its own.

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
def expect(folder, codes, xhat): torch.save(dict(x=x, codes=codes.float(), xhat=xhat), folder/'expected.pt')
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
        with torch.no_grad(): codes = sae.encode(x); expect(folder, codes, sae.decode(codes))
'''
sparsify = common + '''
from sparsify import SparseCoder, SparseCoderConfig
for dtype in (torch.float32, torch.bfloat16):
    sae = random(SparseCoder(D, SparseCoderConfig(num_latents=F, k=k), dtype=dtype)); folder = root/str(dtype)
    sae.save_to_disk(folder); sae = SparseCoder.load_from_disk(folder).float()
    with torch.no_grad():
        top = sae.encode(x); codes = torch.zeros(len(x), F).scatter(1, top.top_indices, top.top_acts)
        expect(folder, codes, sae.decode(top.top_acts, top.top_indices))
'''
dictionary_learning = common + '''
from dictionary_learning import dictionary as d
from dictionary_learning.trainers.batch_top_k import BatchTopKSAE
from dictionary_learning.trainers.matryoshka_batch_top_k import MatryoshkaBatchTopKSAE
from dictionary_learning.trainers.top_k import AutoEncoderTopK
from dictionary_learning.utils import load_dictionary
saes = [d.AutoEncoder(D, F), d.AutoEncoderNew(D, F), d.GatedAutoEncoder(D, F), d.JumpReluAutoEncoder(D, F),
        AutoEncoderTopK(D, F, k), BatchTopKSAE(D, F, k), MatryoshkaBatchTopKSAE(D, F, k, [F//4, 3*F//4])]
for sae in saes:
    kind = type(sae).__name__; folder = root/kind; folder.mkdir(); random(sae)
    if kind in ('BatchTopKSAE', 'MatryoshkaBatchTopKSAE'): sae.threshold.fill_(9.)
    torch.save(sae.state_dict(), folder/'ae.pt')
    fields = dict(dict_class=kind, activation_dim=D, dict_size=F, k=k, lm_name='EleutherAI/pythia-70m')
    (folder/'config.json').write_text(json.dumps(dict(trainer=fields)))
    sae, _ = load_dictionary(str(folder), 'cpu')
    with torch.no_grad(): codes = sae.encode(x); expect(folder, codes, sae.decode(codes))
'''
scripts = dict(saelens=saelens, sparsify=sparsify, dictionary_learning=dictionary_learning)
relative = lambda a, b: float((a - b).norm()/b.norm())

def compare(toolkit:str, folder:Path)->bool:
    "Read the SAE in a folder, print how far it differs from the toolkit's own, and return whether both agree"
    expected = torch.load(folder/'expected.pt')
    (folder/'expected.pt').unlink()
    sae, _ = read_sae(folder)
    codes = sae.encode(expected['x']).dense()
    unlike = int(((codes != 0) != (expected['codes'] != 0)).sum())
    errors = relative(codes, expected['codes']), relative(sae(expected['x']), expected['xhat'])
    print(f'{toolkit:20} {folder.name:24} {unlike} of {int((expected["codes"] != 0).sum()):6} active features differ; '
          f'codes differ by {errors[0]:.1e}, outputs by {errors[1]:.1e}', flush=True)
    return not unlike and max(errors) <= 1e-5

failed = []
for argument in sys.argv[1:]:
    toolkit, _, python = argument.partition('=')
    with tempfile.TemporaryDirectory() as root:
        subprocess.run([python, '-c', scripts[toolkit], root], check=True, stderr=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)
        failed += [f'{toolkit} {f.name}' for f in sorted(Path(root).iterdir()) if not compare(toolkit, f)]
print('all agree' if not failed else f'different: {", ".join(failed)}')
sys.exit(bool(failed))
