"Train the SAEs of one configuration: python run.py --config_path configs/quickstart.yaml"
from lagsae.cli import script, train

if __name__ == '__main__': script(train)
