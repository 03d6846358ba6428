# Runs a command on a pseudo terminal: sends each line of the script once its prompt has come, and prints all that the terminal showed.
# Arguments: a JSON list of [text to wait for, text to send], then the command. Exits with the command's exit code.
import json, os, pty, select, sys, time

script = json.loads(sys.argv[1])
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
shown = b""
seen = 0
end = time.monotonic() + 50
while time.monotonic() < end:
    if script and script[0][0].encode() in shown[seen:]:
        seen = len(shown)
        os.write(terminal, script.pop(0)[1].encode())
    if not select.select([terminal], [], [], 0.05)[0]:
        continue
    try:
        part = os.read(terminal, 65536)
    except OSError:
        break
    if not part:
        break
    shown += part
sys.stdout.buffer.write(shown)
sys.stdout.flush()
if script:
    sys.stderr.write("never shown: " + script[0][0])
    os.kill(child, 9)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) % 256)
