"""Runs the shell commands of README.md and of Contributing as they are printed, one after another, in a copy of the
repository with an environment, a home and a git repository of its own. The quickstart of the copy is shortened, and so
are commands that would read many tokens, which is said with each of them, or this would take half an hour; `--full`
leaves them as they are. Not a part of `.ci/run`, which runs the notebooks, tutorials among
them, and for which this would be some minutes more.

    python .ci/commands.py [--full]
"""
import json, os, re, shutil, site, subprocess, sys, tempfile, time, venv
from pathlib import Path

root = Path(__file__).resolve().parent.parent
elsewhere = {  # what begins like this is not run here
    'git clone': 'this is a copy already',
    "pip install -e '.[dev]' && OMP_NUM_THREADS=1 nbdev_test --do_print": '.ci/run does',
    'bash .ci/run': 'it runs by itself'}

fewer = {  # tokens to read, where a command says how many, and where it does not
    r'(lagsae evaluate .*--n_tokens) \d+': r'\1 4000', r'(lagsae features \S+)': r'\1 --n_tokens 4000'}

def printed(text:str)->list[str]:
    "The lines of the shell blocks of a Markdown text, continued lines put together"
    blocks = re.findall(r'```sh\n(.*?)```', text, re.S)
    return [l.strip() for b in blocks for l in b.replace('\\\n', ' ').splitlines() if l.strip()]

def pages()->dict[str, str]:
    "Name to text"
    cells = json.loads((root/'nbs/contributing.ipynb').read_text())['cells']
    return {'README.md': (root/'README.md').read_text(),
            'contributing': '\n'.join(''.join(c['source']) for c in cells if c['cell_type'] == 'markdown')}

def copied(to:Path):
    "A copy of the repository as it is now, committed"
    names = subprocess.check_output(['git', 'ls-files', '-co', '--exclude-standard', '-z'], cwd=root, text=True)
    for name in filter(lambda n: (root/n).is_file(), names.split('\0')):
        (to/name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root/name, to/name)

def shorten(config:Path):
    "A quickstart that ends soon"
    text = config.read_text()
    for field, n in dict(n_train_samples=320, n_eval_samples=32).items():
        text, found = re.subn(rf'^(\s*{field}:).*$', rf'\1 {n}', text, flags=re.M)
        assert found == 1, field
    config.write_text(text)

def environment(folder:Path)->dict[str, str]:
    "Variables of an environment that has the packages of this one, and into which the commands install"
    venv.create(folder/'venv', with_pip=True)
    [there] = (folder/'venv').glob('lib/python*/site-packages')
    (there/'outer.pth').write_text('\n'.join(site.getsitepackages()))
    (folder/'home').mkdir()
    paths = [str(folder/'venv'/'bin'), str(Path(sys.executable).parent), os.environ['PATH']]
    return {**os.environ, 'PATH': os.pathsep.join(paths), 'HOME': str(folder/'home'), 'PYTHONPATH': str(folder/'copy'),
            'GIT_AUTHOR_NAME': 'x', 'GIT_AUTHOR_EMAIL': 'x', 'GIT_COMMITTER_NAME': 'x', 'GIT_COMMITTER_EMAIL': 'x'}

def shortened(command:str)->str:
    "The command with fewer tokens to read, if it is one of those"
    return next((re.sub(long, short, command) for long, short in fewer.items() if re.fullmatch(long, command)), command)

def run(command:str, where:Path, env:dict, full:bool=False)->bool:
    "Run one command and say how it went"
    why = next((why for start, why in elsewhere.items() if command.startswith(start)), None)
    if why: print(f'--    {command}  ({why})'); return True
    begun, said = time.time(), command
    if not full and (command := shortened(command)) != said: said += f'  (run as {command})'
    done = subprocess.run(['bash', '-c', command], cwd=where, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    print(f'{"FAIL" if done.returncode else "ok":4}  {said}  ({time.time() - begun:.0f} s)', flush=True)
    if done.returncode: print(f'exit status {done.returncode}', *done.stdout.splitlines()[-20:], sep='\n      ', flush=True)
    return not done.returncode

def main()->int: # commands that failed
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as d:
        copy, env = Path(d)/'copy', environment(Path(d))
        copied(copy)
        full = '--full' in sys.argv[1:]
        if not full: shorten(copy/'configs'/'quickstart.yaml')
        subprocess.run('git init -q && git add -A && git commit -qm copy', shell=True, cwd=copy, env=env, check=True)
        results = []
        for page, text in pages().items():
            print(f'{page}:')
            results += [run(c, copy, env, full) for c in printed(text)]
        if full: results.append(run('nbdev_test --path nbs/tutorials --flags slow --do_print', copy, env, full))
    print(f'{results.count(True)} of {len(results)} commands in order')
    return results.count(False)

if __name__ == '__main__': sys.exit(main())
