"""Runs the user's program under cProfile or memray, beside a sampler, or keeping arguments.

One standalone file: the user's interpreter starts it (CPython 3.9 or newer), and it needs nothing
but the standard library. It is started with one argument, the path of a marshalled dictionary (see
`record.py`), and then behaves as the interpreter would with the program itself: `sys.argv`,
`sys.path[0]`, `__main__`, exit code, tracebacks.

It imports as little as it can, and modules written in C where there is a choice: a module that is
imported here would win over a file of the same name beside the user's script.
"""

from __future__ import annotations

import _thread
import marshal
import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType, FrameType, TracebackType
    from typing import Any, Callable, Optional

    Program = Callable[[], Any]

PICKLE_PROTOCOL = 4  # read by every interpreter from 3.4 on
SINCE_MONITORING = (3, 12)

# --- the program, as the interpreter runs it -----------------------------------------------------


def end_with(lifeline: int) -> None:
    """Have the kernel kill this process group when the other end of a pipe is closed.

    Whoever started this holds it and closes it by dying, however it dies.
    """
    import fcntl

    try:
        high = fcntl.fcntl(lifeline, fcntl.F_DUPFD_CLOEXEC, 200)
        os.close(lifeline)  # the program's first file has the number that it would have
        fcntl.fcntl(high, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(high, fcntl.F_SETSIG, 9)
        fcntl.fcntl(high, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
        if not os.read(high, 1):
            os._exit(1)  # it is closed already
    except BlockingIOError:
        pass
    except (AttributeError, OSError):
        pass  # no Linux, or few files allowed: then only an orderly end of the starter ends this


def fresh_main() -> Any:
    """A new `__main__` module in place of this one."""
    main: Any = type(sys)("__main__")
    main.__dict__["__builtins__"] = sys.modules["builtins"]
    main.__dict__["__annotations__"] = {}
    sys.modules["__main__"] = main
    return main


def set_first_path(entry: str) -> None:
    """Replace this file's folder on the path, where the interpreter put it there."""
    if not sys.flags.isolated and not getattr(sys.flags, "safe_path", False):
        sys.path[0] = entry


def plain_compile(source: bytes, path: str) -> CodeType:
    """Compile as `python path` does."""
    return compile(source, path, "exec", dont_inherit=True)


def prepare_script(target: str, compile_source: Callable[[bytes, str], CodeType]) -> Program:
    """`python target`: a script, or a folder or zip archive that holds a `__main__.py`."""
    from importlib.machinery import SourceFileLoader

    path = os.path.abspath(target)
    main = fresh_main()
    if os.path.isdir(path):
        return prepare_archive(path)
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        sys.stderr.write(f"{sys.executable}: can't open file {path!r}: {error}\n")
        sys.exit(2)
    if source[:2] == b"PK":
        return prepare_archive(path)
    set_first_path(os.path.dirname(os.path.realpath(path)))
    main.__file__ = path
    main.__cached__ = None
    main.__loader__ = SourceFileLoader("__main__", path)
    space = main.__dict__
    return lambda: exec(compile_source(source, path), space)


def prepare_archive(path: str) -> Program:
    """`python folder` or `python file.zip`."""
    import runpy

    set_first_path(path)
    run_as_main: Any = runpy._run_module_as_main  # type: ignore[attr-defined]
    return lambda: run_as_main("__main__", alter_argv=False)


def prepare_module(target: str) -> Program:
    """`python -m target`."""
    import runpy

    set_first_path(os.getcwd())
    fresh_main()
    sys.argv[0] = "-m"
    run_as_main: Any = runpy._run_module_as_main  # type: ignore[attr-defined]
    return lambda: run_as_main(target)


def prepare_code(target: str) -> Program:
    """`python -c target`."""
    set_first_path("")
    space = fresh_main().__dict__
    return lambda: exec(compile(target, "<string>", "exec", dont_inherit=True), space)


def wait_for_threads() -> None:
    """The interpreter waits for threads that are no daemons; what they do counts."""
    threading: Any = sys.modules.get("threading")
    if threading is None:
        return
    me = threading.current_thread()
    while True:
        others = [t for t in threading.enumerate() if t is not me and not t.daemon]
        if not others:
            return
        others[0].join()


def shown_traceback(traceback: Optional[TracebackType]) -> Optional[TracebackType]:
    """The traceback from the program's first frame on."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next
    return traceback


def run_program(program: Program) -> Optional[BaseException]:
    """Run to the end as the interpreter would; the exception that ended it, if one did."""
    ending: Optional[BaseException] = None
    try:
        program()
    except SystemExit as error:
        ending = error
    except BaseException as error:
        ending = error.with_traceback(shown_traceback(error.__traceback__))
        if not isinstance(error, KeyboardInterrupt):
            sys.excepthook(type(ending), ending, ending.__traceback__)
    try:
        wait_for_threads()
    except KeyboardInterrupt as error:
        ending = error
    return ending


def leave(ending: Optional[BaseException]) -> None:
    """End this process as the program would have ended its own."""
    if isinstance(ending, (SystemExit, KeyboardInterrupt)):
        raise ending
    if ending is not None:
        sys.exit(1)


# --- profile -------------------------------------------------------------------------------------


class Profiling:
    """cProfile's own engine around the program, and around its threads where it allows that."""

    compile_source = None

    def __init__(self, config: dict[str, Any]) -> None:
        import _lsprof

        self.out = config["out"]
        self.new_profiler: Any = _lsprof.Profiler
        self.main = self.new_profiler()
        self.others: list[Any] = []
        self.threads = 0
        self.seconds = 0.0
        self.pid = os.getpid()
        os.register_at_fork(after_in_child=self.main.disable)

    def first_event(self, frame: FrameType, event: str, arg: Any) -> None:
        """The profile function that each new thread starts with: it gives way to a profiler."""
        self.threads += 1
        sys.setprofile(None)
        if sys.version_info < SINCE_MONITORING:
            # Later the profiler hears all threads by itself, and there is one per process.
            profiler = self.new_profiler()
            self.others.append(profiler)
            profiler.enable()

    def around(self, program: Program) -> Program:
        """The program with the profiler switched on around it."""

        def profiled() -> None:
            import threading

            threading.setprofile(self.first_event)
            started = time.perf_counter()
            self.main.enable()
            try:
                program()
                wait_for_threads()
            finally:
                self.main.disable()
                self.seconds = time.perf_counter() - started
                threading.setprofile(None)  # type: ignore[arg-type, unused-ignore]

        return profiled

    def finish(self) -> None:
        """Write the profile as `pstats` reads it, and the seconds beside it."""
        if os.getpid() != self.pid:
            return
        stats: dict[Any, Any] = {}
        for profiler in [self.main, *self.others]:
            profiler.disable()
            merge_stats(stats, profiler.getstats())
        own = [key for key in stats if key[0] == __file__ or "_lsprof.Profiler" in key[2]]
        for key in own:
            del stats[key]
        for entry in stats.values():
            for key in own:
                entry[4].pop(key, None)
        said = {"seconds": self.seconds, "threads": self.threads}
        write_whole(self.out + ".run", to_json(said).encode())
        write_whole(self.out, marshal.dumps(stats, 2))


class Plain:
    """The program by itself, while a sampler looks at it from outside; how it ended is written."""

    compile_source = None

    def __init__(self, config: dict[str, Any]) -> None:
        self.out = config["out"]
        self.seconds = 0.0
        self.code = 0
        self.pid = os.getpid()

    def begin(self) -> None:
        """Before the program."""

    def end(self) -> None:
        """After the program, however it ended."""

    def around(self, program: Program) -> Program:
        """The program with a watch and its exit code."""

        def watched() -> None:
            started = time.perf_counter()
            self.begin()
            try:
                program()
                wait_for_threads()
            except SystemExit as error:
                self.code = exit_code(error.code)
                raise
            except BaseException:
                self.code = 1
                raise
            finally:
                self.end()
                self.seconds = time.perf_counter() - started

        return watched

    def finish(self) -> None:
        """Write seconds and exit code beside the profile."""
        if os.getpid() == self.pid:
            said = {"seconds": self.seconds, "threads": 0, "code": self.code}
            write_whole(self.out + ".run", to_json(said).encode())


def exit_code(given: Any) -> int:
    """The exit code that `sys.exit(given)` leads to."""
    if given is None:
        return 0
    return given if isinstance(given, int) else 1


class Remembering(Plain):
    """The program while memray writes down what it allocates."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        memray: Any = __import__("memray")
        kind = memray.FileFormat.AGGREGATED_ALLOCATIONS
        self.tracker = memray.Tracker(self.out, file_format=kind)

    def begin(self) -> None:
        """Before the program."""
        self.tracker.__enter__()

    def end(self) -> None:
        """After the program."""
        if os.getpid() == self.pid:
            self.tracker.__exit__(None, None, None)


def label(code: Any) -> tuple[str, int, str]:
    """Name of a function as pstats has it."""
    if isinstance(code, str):
        return ("~", 0, code)
    return (code.co_filename, code.co_firstlineno, code.co_name)


def cost_of(entry: Any) -> tuple[Any, ...]:
    """(primitive calls, calls, own seconds, seconds) of an entry of `_lsprof`."""
    calls = entry.callcount
    return (calls - entry.reccallcount, calls, entry.inlinetime, entry.totaltime)


def merge_stats(stats: dict[Any, Any], entries: list[Any]) -> None:
    """Add what one profiler saw; the layout is that of `cProfile.Profile.snapshot_stats`."""
    nothing = (0, 0, 0, 0)
    for entry in entries:
        name = label(entry.code)
        known = stats.get(name, (*nothing, {}))
        stats[name] = (*map(sum, zip(known[:4], cost_of(entry))), known[4])
    for entry in entries:
        caller = label(entry.code)
        for sub in entry.calls or ():
            if label(sub.code) in stats:
                callers = stats[label(sub.code)][4]
                known = callers.get(caller, nothing)
                callers[caller] = tuple(map(sum, zip(known, cost_of(sub))))


# --- capture -------------------------------------------------------------------------------------

BUSY_S = 10.0  # seconds that keeping calls of one function may cost
ONE_CALL_BYTES = 16 << 20
FEW = 10  # with fewer outer calls than this, calls of the function by itself are kept too
WATCHED = 4_000  # calls whose size is looked at each; later ones every 16th, then every 256th
OFTEN = 100_000
HOOK = "__hasten_call__"


class TooLarge(Exception):
    """The arguments of one call pass the cap."""


class Sink:
    """Where a pickle is written; refuses to grow past the cap."""

    def __init__(self, cap: int) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.cap = cap

    def write(self, data: Any) -> None:
        """Take one part of the pickle."""
        self.parts.append(bytes(data))
        self.size += len(self.parts[-1])
        if self.size > self.cap:
            raise TooLarge


def patient_pickler() -> Any:
    """A pickler that also keeps what pickle refuses and a worker can make anew.

    Functions that no name leads to (by their code and closure), locks that nobody holds, modules,
    views of dicts. It asks Python code for every object, so it comes after the plain one.
    """
    import _pickle

    known: Any = patient_pickler.__dict__.get("kind")
    if known is None:

        class Patient(_pickle.Pickler):
            """See `patient_pickler`."""

            def persistent_id(self, value: Any) -> Any:
                """What stands for a value in the pickle, or None for the plain way."""
                return stand_in(value)

        known = patient_pickler.__dict__["kind"] = Patient
    return known


def stand_in(value: Any) -> Any:
    """A tuple that `_MainUnpickler.persistent_load` of the harness makes the value of again."""
    kind: Any = type(value)
    if kind is type(stand_in):
        return None if has_name(value) else function_parts(value)
    if kind is type(sys):
        name = value.__name__
        return ("module", name) if sys.modules.get(name) is value else None
    if kind in (_thread.LockType, _thread.RLock) and repr(value).startswith("<unlocked"):
        return ("lock",) if kind is _thread.LockType else ("rlock",)
    for name in ("keys", "values", "items"):
        if kind is type(getattr({}, name)()) and hasattr(value, "mapping"):
            return (name, dict(value.mapping))
    return None


def has_name(function: Any) -> bool:
    """Whether pickle finds the function by its module and qualified name."""
    found: Any = sys.modules.get(function.__module__)
    try:
        for part in function.__qualname__.split("."):
            found = getattr(found, part)
    except AttributeError:
        return False
    return found is function


def function_parts(function: Any) -> tuple[Any, ...]:
    """All that makes a function but its globals, which are its module's. ValueError for others."""
    if getattr(sys.modules.get(function.__module__), "__dict__", None) is not function.__globals__:
        raise ValueError(f"{function.__qualname__} has globals of its own")
    cells = tuple(cell.cell_contents for cell in function.__closure__ or ())
    return (
        "function",
        marshal.dumps(function.__code__),
        function.__module__,
        function.__name__,
        function.__qualname__,
        function.__defaults__,
        function.__kwdefaults__,
        cells,
        dict(function.__dict__),
    )


def rough_size(value: Any) -> int:
    """Number of items of a plain container; cheap, and without running anybody's `__len__`."""
    kind = type(value)
    if kind in (list, tuple, dict, set, frozenset, str, bytes, bytearray):
        return len(value)
    return int.bit_length(value) if kind is int else 0


class Signature:
    """Names of the parameters, and the defaults, of the function that a code object belongs to."""

    def __init__(self, qualname: str, code: CodeType, space: dict[str, Any]) -> None:
        count = code.co_argcount + code.co_kwonlyargcount
        self.code = code
        self.positional = code.co_varnames[: code.co_argcount]
        self.keyword = code.co_varnames[code.co_argcount : count]
        rest = list(code.co_varnames[count:])
        self.star = rest.pop(0) if code.co_flags & 0x04 else None
        self.stars = rest.pop(0) if code.co_flags & 0x08 else None
        self.names = [*self.positional, *self.keyword]
        self.names += [name for name in (self.star, self.stars) if name]
        function = find_function(qualname, code, space)
        self.defaults = (function.__defaults__ or ()) if function else ()
        self.keyword_defaults = (function.__kwdefaults__ or {}) if function else {}

    def bound(self, spaces: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The call's (args, kwargs) as the function sees them.

        What was left to a default is left out where that can be told: a default may be an object
        that stands for "not given", and its pickle would be another object.
        """
        args = [spaces[name] for name in self.positional]
        extra = spaces[self.star] if self.star else ()
        defaults = self.defaults
        while not extra and defaults and args and args[-1] is defaults[-1]:
            args.pop()
            defaults = defaults[:-1]
        kwargs = {}
        for name in self.keyword:
            known = name in self.keyword_defaults
            if not known or spaces[name] is not self.keyword_defaults[name]:
                kwargs[name] = spaces[name]
        if self.stars:
            kwargs.update(spaces[self.stars])
        return (*args, *extra), kwargs


def find_function(qualname: str, code: CodeType, space: dict[str, Any]) -> Any:
    """The function with this code, looked up by its qualified name without running any code."""
    function_type = type(find_function)
    value: Any = None
    names: Any = space
    owner = ""
    for part in qualname.split("."):
        hidden = owner and part.startswith("__") and not part.endswith("__")
        value = names.get(f"_{owner}{part}" if hidden else part)  # as the compiler calls it there
        names, owner = (value.__dict__, part.lstrip("_")) if isinstance(value, type) else ({}, "")
    for _ in range(20):
        if isinstance(value, function_type) and value.__code__ is code:
            return value
        if isinstance(value, (classmethod, staticmethod)):
            value = value.__func__
        elif isinstance(value, property):
            value = value.fget
        elif isinstance(value, function_type):
            value = value.__dict__.get("__wrapped__")
        elif type(value).__name__ == "_lru_cache_wrapper":
            value = value.__wrapped__
        else:
            return None
    return None


class Target:
    """One function whose calls are kept: the first ones, larger ones, and some of all others."""

    def __init__(self, config: dict[str, Any], limits: dict[str, Any]) -> None:
        self.path: str = config["path"]
        self.qualname: str = config["qualname"]
        self.folder: str = config["folder"]
        self.max_calls: int = limits["max_calls"]
        self.max_bytes: int = limits["max_bytes"]
        self.calls = 0
        self.next = 0  # number of the call to keep next
        self.quiet = 0  # calls with a lower number are only counted
        self.stride = 1
        self.first: list[tuple[int, bytes]] = []
        self.large: list[tuple[int, bytes]] = []
        self.spaced: list[tuple[int, bytes]] = []
        self.few: list[tuple[int, bytes]] = []
        self.inner = 0
        self.done = False
        self.largest = 0
        self.size = 0
        self.busy = 0.0
        self.duplicates = 0
        self.digests: set[int] = set()
        self.reasons: dict[str, int] = {}
        self.signature: Optional[Signature] = None

    def called(self, frame: FrameType) -> bool:
        """A call has started. Whether later ones are of interest."""
        if self.done:
            return False
        number = self.calls
        self.calls = number + 1
        due = number >= self.next
        if number >= WATCHED:
            later = number + (16 if number < OFTEN else 256)
            self.quiet = min(max(self.next, number + 1), later)
        started = time.perf_counter()
        if self.is_inner(frame):
            self.look_inside(number, frame)
        else:
            self.look(number, frame, due)
        self.busy += time.perf_counter() - started
        if self.busy > BUSY_S:
            self.skip("keeping more calls would have taken too long")
            self.done = True
        return not self.done

    def is_inner(self, frame: FrameType) -> bool:
        """Whether a call of the same function is active further out."""
        code = frame.f_code
        outer = frame.f_back
        while outer is not None:
            if outer.f_code is code:
                return True
            outer = outer.f_back
        return False

    def signature_of(self, frame: FrameType) -> Signature:
        """The signature of the function that runs in the frame."""
        if self.signature is None or self.signature.code is not frame.f_code:
            self.signature = Signature(self.qualname, frame.f_code, frame.f_globals)
        return self.signature

    def look_inside(self, number: int, frame: FrameType) -> None:
        """Keep a few calls that the function made of itself, for when there is one outer call."""
        self.inner += 1
        power = self.inner & (self.inner - 1) == 0
        if power and len(self.first) + len(self.large) < FEW and len(self.few) < FEW:
            data = self.pickled(self.signature_of(frame).bound(frame.f_locals))
            if data is not None and hash(data) not in self.digests:
                self.digests.add(hash(data))
                self.few.append((number, data))

    def look(self, number: int, frame: FrameType, due: bool) -> None:
        """Keep an outer call if it is due, or larger than all before."""
        signature = self.signature_of(frame)
        spaces = frame.f_locals
        size = sum(rough_size(spaces.get(name)) for name in signature.names)
        larger = size > self.largest * 1.25 and len(self.large) < self.max_calls // 8
        if due:
            self.next = number + self.stride
        if due or larger:
            data = self.pickled(signature.bound(spaces))
            if data is not None:
                self.largest = max(self.largest, size)
                self.add(number, data, due)

    def pickled(self, call: Any) -> Optional[bytes]:
        """The call's arguments as they are now, or None and a reason."""
        import _pickle

        sink = Sink(min(ONE_CALL_BYTES, self.max_bytes))
        try:
            try:
                _pickle.Pickler(sink, PICKLE_PROTOCOL).dump(call)
            except (TooLarge, RecursionError):
                raise
            except Exception:
                sink = Sink(sink.cap)
                patient_pickler()(sink, PICKLE_PROTOCOL).dump(call)
        except TooLarge:
            self.skip(f"arguments of more than {sink.cap / 1e6:.0f} MB")
        except RecursionError:
            self.skip("arguments nested too deeply to be pickled")
        except Exception as error:
            self.skip(f"arguments can't be pickled: {str(error)[:200]}")
        else:
            return b"".join(sink.parts)
        return None

    def add(self, number: int, data: bytes, due: bool) -> None:
        """Keep one call's pickle under the limits of number and bytes."""
        if hash(data) in self.digests:
            self.duplicates += 1
            return
        if self.size + len(data) > self.max_bytes:
            self.thin()
        if self.size + len(data) > self.max_bytes:
            self.skip(f"the calls kept already fill {self.max_bytes / 1e6:.0f} MB")
            return
        self.digests.add(hash(data))
        self.size += len(data)
        if not due:
            self.large.append((number, data))
        elif len(self.first) < max(1, self.max_calls // 4):
            self.first.append((number, data))
        else:
            self.spaced.append((number, data))
            if len(self.spaced) > self.max_calls - self.max_calls // 4 - self.max_calls // 8:
                self.thin()

    def thin(self) -> None:
        """Drop every second of the spaced calls and look half as often from now on."""
        dropped = self.spaced[1::2]
        self.spaced = self.spaced[::2]
        self.size -= sum(len(data) for _, data in dropped)
        self.digests.difference_update(hash(data) for _, data in dropped)
        self.stride *= 2

    def skip(self, reason: str) -> None:
        """Count a call that was not kept."""
        if reason in self.reasons or len(self.reasons) < 50:
            self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def write(self, common: dict[str, Any]) -> None:
        """Write `calls.bin`, then `manifest.json`, each in one step."""
        kept = self.first + self.large + self.spaced
        kept = sorted(kept + self.few[: max(0, FEW - len(kept))])[: self.max_calls]
        os.makedirs(self.folder, exist_ok=True)
        parts = []
        for _, data in kept:
            parts += [len(data).to_bytes(8, "little"), data]
        write_whole(os.path.join(self.folder, "calls.bin"), b"".join(parts))
        manifest = {
            "schema": 1,
            "path": self.path,
            "qualname": self.qualname,
            "count": len(kept),
            "calls": self.calls,
            "duplicates": self.duplicates,
            "skipped": self.reasons,
            **common,
        }
        write_whole(os.path.join(self.folder, "manifest.json"), to_json(manifest).encode())


class Capturing:
    """Keeps calls of the targets, heard through sys.monitoring or a statement put into them."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.targets = [Target(target, config["limits"]) for target in config["targets"]]
        self.main_name = config["main_name"]
        self.lock = _thread.allocate_lock()
        self.pid = os.getpid()
        self.stopped = False
        self.by_file: dict[str, dict[str, Target]] = {}
        for target in self.targets:
            self.by_file.setdefault(target.path, {})[target.qualname] = target
        self.seen_files: dict[str, Optional[dict[str, Target]]] = {}
        self.monitored = sys.version_info >= SINCE_MONITORING
        self.compile_source = None if self.monitored else self.instrument
        os.register_at_fork(after_in_child=self.stop)

    def stop(self) -> None:
        """Keep nothing from now on."""
        self.stopped = True

    def in_file(self, name: str) -> Optional[dict[str, Target]]:
        """Targets of a source file by qualified name; links in its path don't matter."""
        if name not in self.seen_files:
            by_file = self.by_file
            self.seen_files[name] = by_file.get(name) or by_file.get(os.path.realpath(name))
        return self.seen_files[name]

    def heard(self, target: Target, frame: FrameType) -> bool:
        """One call of a target; what goes wrong in here must not reach the program."""
        if self.stopped or not self.lock.acquire(False):
            return True  # called while a call is being kept, or by another thread right now
        try:
            return target.called(frame)
        except Exception as error:
            target.skip(f"{type(error).__name__} while keeping a call: {str(error)[:200]}")
            return True
        finally:
            self.lock.release()

    def monitor(self) -> Program:
        """From 3.12 on: an event when code starts, switched off for all code but the targets'."""
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
        tool = next(i for i in (4, 3, 0, 1, 5, 2) if monitoring.get_tool(i) is None)
        monitoring.use_tool_id(tool, "hasten")
        off = monitoring.DISABLE
        known: dict[int, tuple[CodeType, Target]] = {}

        def started(code: Any, offset: int) -> Any:
            entry = known.get(id(code))
            if entry is None:
                named = self.in_file(code.co_filename)
                target = named.get(code.co_qualname) if named else None
                if target is None:
                    return off
                entry = known[id(code)] = (code, target)
            target = entry[1]
            if target.calls < target.quiet:
                target.calls += 1
                return None
            return None if self.heard(target, sys._getframe(1)) else off

        monitoring.register_callback(tool, monitoring.events.PY_START, started)
        monitoring.set_events(tool, monitoring.events.PY_START)
        return lambda: monitoring.set_events(tool, 0)

    def instrument(self, source: bytes, path: str) -> CodeType:
        """Before 3.12: compile with one statement more at the start of the targets' bodies."""
        named = self.in_file(path)
        if not named:
            return plain_compile(source, path)
        import ast

        tree = ast.parse(source, path)
        numbers = {name: self.targets.index(target) for name, target in named.items()}
        add_statements(tree, "", numbers)
        try:
            return compile(tree, path, "exec", dont_inherit=True)
        except RecursionError:
            return plain_compile(source, path)

    def patch_loader(self) -> Program:
        """Before 3.12: modules that hold targets are compiled by `instrument`."""
        from importlib.machinery import SourceFileLoader

        targets = self.targets

        def notice(number: int) -> None:
            target = targets[number]
            if target.calls < target.quiet:
                target.calls += 1
            else:
                self.heard(target, sys._getframe(1))

        sys.modules["builtins"].__dict__[HOOK] = notice
        plain = SourceFileLoader.get_code

        def get_code(loader: Any, fullname: str) -> Any:
            path = loader.get_filename(fullname)
            if not self.in_file(path):
                return plain(loader, fullname)
            return self.instrument(loader.get_data(path), path)  # and never into __pycache__

        loader_type: Any = SourceFileLoader
        loader_type.get_code = get_code
        return lambda: setattr(loader_type, "get_code", plain)

    def around(self, program: Program) -> Program:
        """The program with the targets listened to."""

        def captured() -> None:
            undo = self.monitor() if self.monitored else self.patch_loader()
            try:
                program()
                wait_for_threads()
            finally:
                undo()

        return captured

    def finish(self) -> None:
        """Write each target's folder."""
        self.stop()
        if os.getpid() != self.pid:
            return
        common = {
            "main_module": self.main_name,
            "main_path": getattr(sys.modules.get("__main__"), "__file__", None),
            "sys_path": [entry for entry in sys.path if isinstance(entry, str)],
            "python": list(sys.version_info[:3]),
        }
        for target in self.targets:
            target.write(common)


def add_statements(node: Any, prefix: str, numbers: dict[str, int]) -> None:
    """Put `__hasten_call__(number)` at the start of the targets' bodies, after a docstring."""
    import ast

    for child in ast.iter_child_nodes(node):
        inner = prefix
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if prefix + child.name in numbers:
                put_statement(child, numbers[prefix + child.name])
            continue  # a nested function is captured through its enclosing one
        if isinstance(child, ast.ClassDef):
            inner = prefix + child.name + "."
        if not isinstance(child, ast.expr):
            add_statements(child, inner, numbers)


def put_statement(function: Any, number: int) -> None:
    """One call at the place of the body's first statement, so that no line moves."""
    import ast

    first = function.body[0]
    call = ast.Expr(ast.Call(ast.Name(HOOK, ast.Load()), [ast.Constant(number)], []))
    for part in ast.walk(call):
        place: Any = part
        place.lineno = place.end_lineno = first.lineno
        place.col_offset = place.end_col_offset = first.col_offset
    has_docstring = (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
    function.body.insert(1 if has_docstring else 0, call)


# --- files ---------------------------------------------------------------------------------------


def write_whole(path: str, data: bytes) -> None:
    """Write a file in one step: who reads it sees all of it or nothing."""
    partial = f"{path}.{os.getpid()}.part"
    with open(partial, "wb") as file:
        file.write(data)
    os.replace(partial, path)


def to_json(value: Any) -> str:
    """JSON text of plain values, without importing `json`."""
    from _json import encode_basestring_ascii

    if isinstance(value, dict):
        pairs = [f"{encode_basestring_ascii(k)}: {to_json(v)}" for k, v in value.items()]
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(to_json, value)) + "]"
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


RECORDINGS: dict[str, Any] = {
    "profile": Profiling,
    "run": Plain,
    "memory": Remembering,
    "capture": Capturing,
}


def main() -> None:
    """Read the dictionary named by the argument, run the program, write what was seen."""
    with open(sys.argv[1], "rb") as file:
        config = marshal.loads(file.read())
    end_with(config["lifeline"])
    kind, target = config["kind"], config["target"]
    sys.argv[:] = ["-c" if kind == "code" else target, *config["arguments"]]
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[:] = config["argv"]
    recording: Any = RECORDINGS[config["action"]](config)
    if kind == "script":
        try:
            program = prepare_script(target, recording.compile_source or plain_compile)
        except SystemExit as error:
            if isinstance(recording, Plain):  # a sampler around it hides the exit code
                recording.code = exit_code(error.code)
                recording.finish()
            raise
    elif kind == "module":
        program = prepare_module(target)
    else:
        program = prepare_code(target)
    ending = run_program(recording.around(program))
    recording.finish()
    leave(ending)


if __name__ == "__main__":
    main()
