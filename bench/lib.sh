# lib.sh - what bench.sh, soak.sh and demo.sh share: compile, start servers, stop them by their pid. Source it at the top of
# the repository. bash.

out=build/out
work=$(mktemp -d)
pids=()
mkfifo "$work/open"
exec 9<>"$work/open" # servers end when this end closes, however we do

cleanup() {
    local p
    for p in "${pids[@]}"; do kill "$p" 2>/dev/null; done
    for p in "${pids[@]}"; do wait "$p" 2>/dev/null; done
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

die() {
    echo "$*" >&2
    exit 1
}

# compile NAME SOURCE [FLAGS…]: to build/out/bench/NAME, when the source or a header is newer
compile() {
    local name=$1 source=$2
    shift 2
    mkdir -p $out/bench
    if [ -e "$out/bench/$name" ] && [ -z "$(find "$source" bench/peers/hist.h include/*.h $out/libturbohttp.so -newer "$out/bench/$name" -print -quit 2>/dev/null)" ]; then
        return
    fi
    ${CC:-cc} -std=c11 -O2 -g -Wall -Wextra -Werror -pthread -Iinclude -Ibench -o "$out/bench/$name" "$source" "$@" ||
        die "cannot compile $source"
}
# with the library, found beside the directory of the program
host() {
    local name=$1 source=$2
    shift 2
    [ -e $out/libturbohttp.so ] || die "$out/libturbohttp.so is not there: make all"
    compile "$name" "$source" "$@" $out/libturbohttp.so -Wl,-rpath,'$ORIGIN/..'
}

# serve PROGRAM ARGS…: sets port and server; the program says "listening 127.0.0.1:PORT"
serve() {
    local log=$work/server.$RANDOM i
    : >"$log"
    "$@" <"$work/open" 9>&- >"$log" 2>&1 &
    server=$!
    pids+=("$server")
    for i in $(seq 100); do
        port=$(sed -n 's/^listening 127.0.0.1:\([0-9]*\)$/\1/p' "$log")
        [ -n "$port" ] && return
        kill -0 "$server" 2>/dev/null || break
        sleep 0.05
    done
    die "no server: $(cat "$log")"
}

# testserver_tls: port becomes that of the running test server's TLS, and its root lies in $work/root.pem
testserver_tls() {
    local path
    for path in root.pem ports; do
        exec 8<>"/dev/tcp/127.0.0.1/$port"
        printf 'GET /tls/%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' $path >&8
        sed '1,/^\r$/d' <&8 >"$work/$path"
        exec 8>&-
    done
    port=$(sed 's/.*good \([0-9]*\).*/\1/' "$work/ports")
}

# nginx_start DIR [tls]: on a free port with a configuration of its own; sets port. tls: with DIR/cert.pem, which it makes
nginx_start() {
    local nginx dir=$1 i ssl=
    nginx=$(command -v nginx || echo /usr/sbin/nginx)
    [ -x "$nginx" ] || die "nginx is not installed: make setup"
    mkdir -p "$dir/www" "$dir/tmp"
    if [ "${2:-}" = tls ]; then
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
            -addext subjectAltName=IP:127.0.0.1,DNS:localhost -addext extendedKeyUsage=serverAuth \
            -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null || die "openssl makes no certificate"
        ssl="ssl; ssl_certificate $dir/cert.pem; ssl_certificate_key $dir/key.pem; ssl_protocols TLSv1.2 TLSv1.3"
    fi
    for i in $(seq 20); do
        port=$((20000 + RANDOM % 20000))
        cat >"$dir/nginx.conf" <<CONF
daemon off;
master_process off;
worker_processes 1;
pid $dir/nginx.pid;
error_log $dir/error.log warn;
events { worker_connections 2048; }
http {
    access_log off;
    client_body_temp_path $dir/tmp/body;
    proxy_temp_path $dir/tmp/proxy;
    fastcgi_temp_path $dir/tmp/fastcgi;
    uwsgi_temp_path $dir/tmp/uwsgi;
    scgi_temp_path $dir/tmp/scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    client_max_body_size 64m;
    server {
        listen 127.0.0.1:$port $ssl;
        root $dir/www;
        location = /score { default_type application/json; return 200 '{"ok":true,"score":1234567}'; }
    }
}
CONF
        "$nginx" -p "$dir" -c "$dir/nginx.conf" -e "$dir/error.log" >/dev/null 2>&1 &
        server=$!
        for _ in $(seq 40); do
            if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && kill -0 "$server" 2>/dev/null; then
                pids+=("$server")
                return
            fi
            kill -0 "$server" 2>/dev/null || break
            sleep 0.05
        done
        kill "$server" 2>/dev/null
        wait "$server" 2>/dev/null
    done
    die "nginx does not start: $(tail -3 "$dir/error.log" 2>/dev/null)"
}

median() { sort -n | awk '{ v[NR] = $1 } END { if (NR) print (NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2) }'; }
