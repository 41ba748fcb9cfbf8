"Sparse autoencoders that reach the L0 you ask for: the names here are imported when they are first used"
__version__ = "0.2.0"

import importlib
from .sparse.threads import choose_wait_policy

choose_wait_policy()  # before anything loads PyTorch

_HOMES = {
    'train': 'front', 'evaluate': 'front', 'sweep': 'front', 'features': 'front', 'compare': 'front', 'Run': 'front',
    'load_config': 'config', 'Experiment': 'runs.experiment', 'SAE': 'sae.core', 'load': 'exchange.hub',
    'push': 'exchange.hub', 'splice': 'explore.steer', 'check_variant': 'lab.contract'}
_WINGS = 'sparse', 'sae', 'variants', 'source', 'runs', 'explore', 'exchange', 'lab'

__all__ = [*_HOMES, 'variants']

def __dir__(): return [*__all__, '__version__']

def __getattr__(name:str):
    if name in _HOMES: return getattr(importlib.import_module(f'lagsae.{_HOMES[name]}'), name)
    if name in _WINGS: return importlib.import_module(f'lagsae.{name}')
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
