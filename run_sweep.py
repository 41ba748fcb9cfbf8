"Train every combination of a grid: python run_sweep.py --base_config configs/quickstart.yaml --sweep_config sweeps/l0.yaml"
from lagsae.cli import script, sweep

if __name__ == '__main__': script(sweep)
