__version__ = "0.1.0"

import os, time

def _running()->int:
    "How many other processes want a core, at the least of five looks within ten milliseconds; 0 where it is not told"
    looks = []
    try:
        for _ in range(5):
            with open('/proc/loadavg') as f: looks.append(int(f.read().split()[3].partition('/')[0]) - 1)
            time.sleep(.002)
    except (OSError, ValueError, IndexError): return 0
    return min(looks)

def _crowded(running:int, threads:str|None, cores:int)->bool:
    "Whether other processes and this one's threads, as OMP_NUM_THREADS has them, want more cores than there are"
    return running + (int(threads) if (threads or '').isdigit() else cores) > cores

# Before PyTorch is loaded. Threads that spin while they wait for one another are faster where each has a core, and many
# times slower where one of them has to share its core with another process.
if _crowded(_running(), os.environ.get('OMP_NUM_THREADS'), os.cpu_count() or 1):
    os.environ.setdefault('OMP_WAIT_POLICY', 'passive')
