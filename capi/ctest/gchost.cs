// gchost.cs - a managed host: four threads submit and poll real requests by P/Invoke with pinned arrays as bodies, build and
// check an object graph, and one more collects every millisecond. Unlike the C# package to come it shows every call.
// C# 7.3 at most: mcs and Roslyn 3 compile it.
//
//   gchost.exe --port N --load before|after --seconds N --contrast goexport|noguard
//
// --load says whether turbohttp is loaded before or after the threads allocate and the collector runs. Mono loads a library
// when it compiles a method that mentions it: such methods are in Native and NoInlining.
// Success is the last line, "gchost ok: …": under Mono's Boehm build a crash may exit with 0.
using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;

[StructLayout(LayoutKind.Sequential)]
struct Bytes { public IntPtr Data; public UIntPtr Size; }

[StructLayout(LayoutKind.Sequential)]
struct Event {
    public int Kind, Status;
    public ulong Source, UserData, Token, Count, TimeNs;
    public uint Code;
    public ushort HttpStatus, Flags;
    public ulong Reserved;
}

[StructLayout(LayoutKind.Sequential)]
struct ClientConfig {
    public uint StructSize, Flags;
    public ulong Queue, UserData;
    public IntPtr Tls, Reserved;
    public Bytes UserAgent, Resolve;
    public uint ConnectionsPerHost, ConnectTimeoutMs, RequestTimeoutMs, IdleTimeoutMs, LifetimeMs, MaxRetries, MaxHeadBytes, WindowBytes;
    public ulong MaxBodyBytes;
}

[StructLayout(LayoutKind.Sequential)]
struct TlsConfig {
    public uint StructSize, Provider, MinVersion, Insecure;
    public Bytes Roots, Certificate, Key;
    public IntPtr Pins;
    public UIntPtr PinCount;
    public uint PinsReportOnly, Ask;
}

[StructLayout(LayoutKind.Sequential)]
struct LibraryConfig {
    public uint StructSize, PoolGuard;
    public ulong PoolBytes;
    public uint Threads, LogLevel;
}

[StructLayout(LayoutKind.Sequential)]
struct RequestOptions {
    public uint StructSize, Flags, Events, TimeoutMs;
    public IntPtr Body;
    public UIntPtr BodyCount;
    public ulong BodySize;
    public Bytes Into;
    public ulong MaxBodyBytes, UserData;
}

// A handle struct by value and a ulong are the same to every calling convention (turbohttp.h).
static class Import {
    const string Library = "turbohttp";
    [DllImport(Library)] public static extern int turbo_init(uint abi, ref LibraryConfig config);
    [DllImport(Library)] public static extern int turbo_shutdown(uint timeoutMs);
    [DllImport(Library)] public static extern int turbo_queue_create(out ulong queue);
    [DllImport(Library)] public static extern int turbo_queue_destroy(ulong queue);
    [DllImport(Library)] public static extern long turbo_queue_poll(ulong queue, IntPtr events, UIntPtr capacity);
    [DllImport(Library)] public static extern long turbo_queue_wait(ulong queue, IntPtr events, UIntPtr capacity, uint timeoutMs);
    [DllImport(Library)] public static extern int turbo_client_create(ref ClientConfig config, out ulong client, IntPtr why, UIntPtr size);
    [DllImport(Library)] public static extern int turbo_client_destroy(ulong client, uint timeoutMs);
    [DllImport(Library)] public static extern int turbo_submit(ulong client, Bytes head, ref RequestOptions options, out ulong request);
    [DllImport(Library)] public static extern int turbo_request_release(ulong request);
    [DllImport(Library)] public static extern long turbo_response_peek(ulong request, IntPtr segments, UIntPtr capacity);
    [DllImport(Library)] public static extern int turbo_response_consume(ulong request, UIntPtr size);
    [DllImport(Library)] public static extern ulong turbo_contrast_go_call(ulong n);
}

sealed class Failure : Exception {
    public Failure(string text) : base(text) { }
}

// The object graph: trees whose nodes know their sum.
sealed class Node {
    const long Mark = 0x5ea1ab1e00000000;
    Node left, right;
    long mark, sum;
    byte[] data;
    string name;

    public static Node Make(int depth, Random dice) {
        var n = new Node();
        n.mark = Mark + dice.Next();
        n.data = new byte[8 + dice.Next(120)];
        for (int i = 0; i < n.data.Length; i++) n.data[i] = (byte)n.mark;
        n.name = n.mark.ToString();
        n.sum = n.mark;
        if (depth > 0) {
            n.left = Make(depth - 1, dice);
            n.right = Make(depth - 1, dice);
            n.sum += n.left.sum + n.right.sum;
        }
        return n;
    }

    public static long Check(Node n) {
        if (n == null) return 0;
        if ((n.mark & ~0xffffffffL) != Mark) throw new Failure("heap corrupt: a node's mark is " + n.mark);
        foreach (byte b in n.data)
            if (b != (byte)n.mark) throw new Failure("heap corrupt: a node's data");
        if (n.name != n.mark.ToString()) throw new Failure("heap corrupt: a node's name is " + n.name);
        long sum = n.mark + Check(n.left) + Check(n.right);
        if (sum != n.sum) throw new Failure("heap corrupt: a node's sum");
        return sum;
    }
}

// A request under way; its arrays are pinned from Submit to Done.
sealed class Slot {
    const int MaxBody = 20000;
    const uint WantBody = 1u << 2;
    ulong request;
    int kind, size, have;
    byte[] body, into, head;
    GCHandle bodyPin, intoPin;
    Node context;
    public bool Busy;

    static GCHandle Pin(byte[] array) { return GCHandle.Alloc(array, GCHandleType.Pinned); }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public unsafe void Submit(ulong client, int index, string start, Random dice) {
        kind = dice.Next(3);
        size = 1 + dice.Next(MaxBody);
        have = 0;
        context = Node.Make(2, dice);
        var options = new RequestOptions();
        options.StructSize = (uint)sizeof(RequestOptions);
        options.UserData = (ulong)index;
        Bytes part = new Bytes(), view = new Bytes();
        string path = "/echo";
        if (kind < 2) {
            body = new byte[size];
            for (int i = 0; i < size; i++) body[i] = (byte)(size + i * 5);
            bodyPin = Pin(body);
            part.Data = bodyPin.AddrOfPinnedObject();
            part.Size = (UIntPtr)(uint)size;
            options.Body = (IntPtr)(&part); // copied by turbo_submit
            options.BodyCount = (UIntPtr)1u;
        } else {
            path = "/bytes?n=" + size + "&seed=" + size;
            options.Events = WantBody;
        }
        if (kind != 1) into = new byte[size];
        if (kind == 0) {
            intoPin = Pin(into);
            options.Into.Data = intoPin.AddrOfPinnedObject();
            options.Into.Size = (UIntPtr)(uint)size;
        }
        head = Head.Write((byte)(kind < 2 ? 2 : 0), start + path);
        var headPin = Pin(head);
        view.Data = headPin.AddrOfPinnedObject();
        view.Size = (UIntPtr)(uint)head.Length;
        int status = Import.turbo_submit(client, view, ref options, out request);
        headPin.Free(); // copied
        if (status != 0) throw new Failure("turbo_submit: " + status);
        Busy = true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public unsafe void Read() {
        if (kind != 2) return;
        Bytes part;
        while (have < size) {
            long n = Import.turbo_response_peek(request, (IntPtr)(&part), (UIntPtr)1u);
            if (n == -4) return; // AGAIN
            if (n <= 0) throw new Failure("turbo_response_peek: " + n + " after " + have + " of " + size);
            int take = (int)Math.Min((long)part.Size, size - have);
            Marshal.Copy(part.Data, into, have, take);
            int status = Import.turbo_response_consume(request, (UIntPtr)(uint)take);
            if (status != 0) throw new Failure("turbo_response_consume: " + status);
            have += take;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public unsafe int Done(ref Event e) {
        if (e.Source != request) throw new Failure("DONE of another request");
        if (e.Status != 0 || e.HttpStatus != 200 || e.Count != (ulong)size)
            throw new Failure("DONE " + e.Status + ", HTTP " + e.HttpStatus + ", " + e.Count + " of " + size + " bytes");
        Read();
        if (bodyPin.IsAllocated) bodyPin.Free();
        if (intoPin.IsAllocated) intoPin.Free();
        if (kind == 0) {
            for (int i = 0; i < size; i++)
                if (into[i] != (byte)(size + i * 5) || body[i] != into[i]) throw new Failure("into: byte " + i);
        } else if (kind == 1) {
            Bytes* part = stackalloc Bytes[16];
            long n = Import.turbo_response_peek(request, (IntPtr)part, (UIntPtr)16u);
            if (n < 1 || n > 16) throw new Failure("turbo_response_peek: " + n);
            int at = 0;
            for (long k = 0; k < n; k++) {
                byte* data = (byte*)part[k].Data;
                int count = (int)part[k].Size;
                for (int i = 0; i < count; i++, at++)
                    if (at >= size || data[i] != (byte)(size + at * 5)) throw new Failure("collected: byte " + at);
            }
            if (at != size) throw new Failure("collected: " + at + " of " + size);
        } else {
            if (have != size) throw new Failure("streamed: " + have + " of " + size);
            for (int i = 0; i < size; i++)
                if (into[i] != (byte)(size + i * 7 + (i >> 8) * 13)) throw new Failure("streamed: byte " + i);
        }
        Node.Check(context);
        int status = Import.turbo_request_release(request);
        if (status != 0) throw new Failure("turbo_request_release: " + status);
        body = into = head = null;
        context = null;
        Busy = false;
        return size;
    }
}

// The FlatBuffer of a request head with method and URL: the shape of turbohttp.fbs by hand.
static class Head {
    public static byte[] Write(byte method, string url) {
        byte[] text = Encoding.UTF8.GetBytes(url);
        var b = new byte[(40 + text.Length + 1 + 3) & ~3];
        Put(b, 0, 20);                                         // where the table is
        b[4] = (byte)'T'; b[5] = (byte)'R'; b[6] = (byte)'Q'; b[7] = (byte)'1';
        b[8] = 10; b[10] = 12; b[12] = 8; b[14] = 0; b[16] = 4; // vtable: its size, the table's, method, method_name, url
        Put(b, 20, 12);                                        // table: back to the vtable
        Put(b, 24, 36 - 24);                                   // url
        b[28] = method;
        Put(b, 36, (uint)text.Length);
        Array.Copy(text, 0, b, 40, text.Length);
        return b;
    }
    static void Put(byte[] b, int at, uint v) {
        for (int i = 0; i < 4; i++) b[at + i] = (byte)(v >> (8 * i));
    }
}

// Every call into the library is behind a NoInlining method of this class.
static class Native {
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static unsafe void Start() {
        var config = new LibraryConfig();
        config.StructSize = (uint)sizeof(LibraryConfig);
        int status = Import.turbo_init(1, ref config);
        if (status != 0) throw new Failure("turbo_init: " + status);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static unsafe void Open(out ulong queue, out ulong client, byte[] roots) {
        int status = Import.turbo_queue_create(out queue);
        if (status != 0) throw new Failure("turbo_queue_create: " + status);
        var config = new ClientConfig();
        config.StructSize = (uint)sizeof(ClientConfig);
        config.Queue = queue;
        var tls = new TlsConfig();
        tls.StructSize = (uint)sizeof(TlsConfig);
        fixed (byte* pem = roots) { // copied
            tls.Roots.Data = (IntPtr)pem;
            tls.Roots.Size = (UIntPtr)(uint)(roots == null ? 0 : roots.Length);
            config.Tls = (IntPtr)(&tls);
            status = Import.turbo_client_create(ref config, out client, IntPtr.Zero, UIntPtr.Zero);
        }
        if (status != 0) throw new Failure("turbo_client_create: " + status);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Close(ulong queue, ulong client) {
        int status = Import.turbo_client_destroy(client, 10000);
        if (status == 0) status = Import.turbo_queue_destroy(queue);
        if (status != 0) throw new Failure("destroy: " + status);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static unsafe int Take(ulong queue, Event[] events, bool wait) {
        fixed (Event* e = events) {
            long n = wait ? Import.turbo_queue_wait(queue, (IntPtr)e, (UIntPtr)(uint)events.Length, 2)
                          : Import.turbo_queue_poll(queue, (IntPtr)e, (UIntPtr)(uint)events.Length);
            if (n < 0) throw new Failure("poll: " + n);
            return (int)n;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Stop() {
        int status = Import.turbo_shutdown(10000);
        if (status != 0) throw new Failure("turbo_shutdown: " + status);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void GoCall(ulong n) {
        if (Import.turbo_contrast_go_call(n) != n + 1) throw new Failure("turbo_contrast_go_call");
    }
}

static class Program {
    const int Threads = 4, Slots = 4, Keep = 64;
    static int port, tls, seconds = 20;
    static byte[] roots;
    static bool after, goexport;
    static volatile bool go, stop;
    static volatile string failed;
    static long requests, bytes, graphs, faults;
    static int zero = 0;

    sealed class Field { public int Value = 0; }
    static volatile Field missing = null;

    // What C# promises whatever library is loaded: a null dereference and a division by zero are exceptions.
    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Faults(int n) {
        int caught = 0;
        try {
            missing.Value = n;
        } catch (NullReferenceException) {
            caught++;
        }
        try {
            n /= zero;
        } catch (DivideByZeroException) {
            caught++;
        }
        if (caught != 2) throw new Failure("a fault was not an exception: " + n);
        Interlocked.Add(ref faults, 2);
    }

    static void Play(int me) {
        var dice = new Random(me * 7919 + 17);
        string start = tls != 0 ? "https://127.0.0.1:" + tls : "http://127.0.0.1:" + port;
        var kept = new Node[Keep];
        var slots = new Slot[Slots];
        var events = new Event[8];
        ulong queue = 0, client = 0;
        for (int i = 0; i < Slots; i++) slots[i] = new Slot();
        for (int turn = 0; ; turn++) {
            bool draining = stop;
            if (failed != null) return;
            kept[dice.Next(Keep)] = Node.Make(3, dice);
            if (turn % 16 == 0) {
                foreach (var n in kept) Node.Check(n);
                Interlocked.Increment(ref graphs);
            }
            if (!go) {
                if (draining) return;
                continue;
            }
            if (queue == 0) Native.Open(out queue, out client, roots);
            if (goexport && turn % 8 == 0) Native.GoCall((ulong)turn);
            if (turn % 64 == 0) Faults(turn);
            bool busy = false;
            for (int i = 0; i < Slots; i++) {
                if (!slots[i].Busy && !draining) slots[i].Submit(client, i, start, dice);
                busy |= slots[i].Busy;
            }
            if (draining && !busy) break;
            int got = Native.Take(queue, events, me % 2 == 1);
            for (int i = 0; i < got; i++) {
                var slot = slots[(int)events[i].UserData];
                if (events[i].Kind == 2) slot.Read();
                if (events[i].Kind == 6) {
                    Interlocked.Add(ref bytes, slot.Done(ref events[i]));
                    Interlocked.Increment(ref requests);
                }
            }
        }
        Native.Close(queue, client);
    }

    static void Guarded(Action body) {
        try {
            body();
        } catch (Exception e) {
            failed = e.ToString();
        }
    }

    static void Collect() {
        for (int n = 0; !stop && failed == null; n++) {
            if (n % 16 == 0) GC.Collect(); // under SGen the full ones take 70 ms each
            else GC.Collect(0);
            Thread.Sleep(1);
        }
    }

    static int Main(string[] args) {
        for (int i = 0; i + 1 < args.Length; i += 2) {
            switch (args[i]) {
                case "--port": port = int.Parse(args[i + 1]); break;
                case "--tls": tls = int.Parse(args[i + 1]); break;
                case "--roots": roots = System.IO.File.ReadAllBytes(args[i + 1]); break;
                case "--load": after = args[i + 1] == "after"; break;
                case "--seconds": seconds = int.Parse(args[i + 1]); break;
                case "--contrast": goexport = args[i + 1] == "goexport"; break; // noguard: the script gives another library
                default: Console.Error.WriteLine("what is " + args[i] + "?"); return 2;
            }
        }
        if (!after) Native.Start();
        var threads = new Thread[Threads + 1];
        for (int i = 0; i < Threads; i++) {
            int me = i;
            threads[i] = new Thread(() => Guarded(() => Play(me)));
        }
        threads[Threads] = new Thread(() => Guarded(Collect));
        foreach (var t in threads) {
            t.IsBackground = true;
            t.Start();
        }
        if (after) {
            Thread.Sleep(500); // busy: stopped a few hundred times
            Native.Start();
            Thread.Sleep(500);
        }
        go = true;
        long last = 0;
        var clock = System.Diagnostics.Stopwatch.StartNew();
        for (int idle = 0; clock.ElapsedMilliseconds < seconds * 1000L && failed == null;) {
            Thread.Sleep(250); // looks are counted, not seconds: machines are paused at times
            long now = Interlocked.Read(ref requests);
            idle = now == last ? idle + 1 : 0;
            if (idle > 60) failed = "no request came back while the others ran";
            last = now;
        }
        int collections = GC.CollectionCount(0);
        stop = true;
        foreach (var t in threads)
            if (!t.Join(20000)) failed = failed ?? "a thread did not end";
        if (failed == null) Guarded(Native.Stop);
        if (failed != null) {
            Console.WriteLine("gchost failed: " + failed);
            return 1;
        }
        if (requests == 0 || graphs == 0 || faults == 0 || collections < 10) {
            Console.WriteLine("gchost failed: nothing happened");
            return 1;
        }
        Console.WriteLine("gchost ok: C#, loaded " + (after ? "after" : "before") + ", " + seconds + " s: " + requests +
                          " requests, " + collections + " collections, " + faults + " faults caught, " + (bytes >> 20) +
                          " MB of bodies checked");
        Console.Out.Flush();
        return 0;
    }
}
