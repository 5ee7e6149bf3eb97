// node.js DIR - Node's http and https servers on ports of the system's choice, told as JSON in the first line of the output.
// Ends with its input.
'use strict';
const fs = require('fs');
const http = require('http');
const https = require('https');
const path = require('path');
const tls = require('tls');

const dir = process.argv[2];
const read = (name) => fs.readFileSync(path.join(dir, name));
let connections = 0;

function file(name, req, res) {
    const full = path.join(dir, 'www', path.basename(name));
    if (!fs.existsSync(full)) return res.writeHead(404).end('no such file\n');
    const { size, mtime } = fs.statSync(full);
    const etag = `"${size}"`;
    const since = req.headers['if-modified-since'];
    res.setHeader('ETag', etag);
    res.setHeader('Last-Modified', mtime.toUTCString());
    if (req.headers['if-none-match'] === etag || (since && mtime <= new Date(since))) return res.writeHead(304).end();
    const range = /^bytes=(\d+)-(\d+)$/.exec(req.headers.range || '');
    let options = {}, length = size;
    if (range) {
        options = { start: +range[1], end: +range[2] };
        length = options.end - options.start + 1;
        res.statusCode = 206;
        res.setHeader('Content-Range', `bytes ${options.start}-${options.end}/${size}`);
    }
    res.setHeader('Content-Length', length);
    if (req.method === 'HEAD') return res.end();
    fs.createReadStream(full, options).pipe(res);
}

const routes = {
    none: (req, res) => res.writeHead(204).end(),
    stream: (req, res) => {
        res.flushHeaders(); // in front of the body, or it would find out the length of an empty one
        fs.createReadStream(path.join(dir, 'www', path.basename(req.url))).pipe(res);
    },
    unsized: (req, res) => { // neither length nor chunks: the body ends with the connection
        res.useChunkedEncodingByDefault = false;
        res.removeHeader('Transfer-Encoding');
        routes.stream(req, res);
    },
    // Answers while the request still comes.
    echo: (req, res) => {
        if (req.headers['content-length']) res.setHeader('Content-Length', req.headers['content-length']);
        req.pipe(res);
    },
    post: (req, res) => req.resume().on('end', () => res.end('posted')),
    // The trailers of the request come back as trailers of the response.
    trailers: (req, res) => {
        res.setHeader('Trailer', 'X-Count');
        res.write('first');
        req.resume().on('end', () => {
            const back = Object.entries(req.trailers).map(([name, value]) => ['back-' + name, value]);
            res.addTrailers([...back, ['X-Count', String(back.length)]]);
            res.end(' last');
        });
    },
    // Has its answer before it has read the body, which it then reads to the end.
    early: (req, res) => {
        res.writeHead(403, { 'Content-Length': 3 }).end('no\n');
        req.resume();
    },
    hints: (req, res) => res.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => res.end('hinted')),
};

function serve(req, res) {
    res.setHeader('X-Connection', req.socket.number);
    if (req.socket.getProtocol) {
        const subject = req.socket.getPeerCertificate().subject || {};
        res.setHeader('X-TLS', [req.socket.getProtocol(), req.socket.isSessionReused() ? 'Resumed' : 'Initial',
            req.socket.servername || '', 'CN=' + subject.CN].join(' '));
    }
    const first = req.url.split(/[/?]/)[1];
    if (routes[first]) return routes[first](req, res);
    return file(req.url, req, res);
}

// A client that waits for 100 Continue has sent its head and nothing more.
function checkContinue(req, res) {
    const before = req.socket.bytesRead;
    setTimeout(() => {
        res.setHeader('X-Too-Early', req.socket.bytesRead - before + req.readableLength);
        if (req.url === '/refuse') return res.writeHead(417, { 'Content-Length': 0, Connection: 'close' }).end();
        res.writeContinue();
        serve(req, res);
    }, 50);
}

function pair(name) { return { cert: read(name + '.pem'), key: read(name + '.key') }; }

function names(version) {
    const contexts = {};
    for (const name of ['a.example', 'b.example']) contexts[name] = tls.createSecureContext(pair(name));
    return https.createServer({ ...pair('a.example'), minVersion: version, maxVersion: version,
        SNICallback: (name, done) => done(null, contexts[name] || contexts['a.example']) });
}

const servers = {
    plain: http.createServer(),
    three: http.createServer(),
    impatient: http.createServer({ keepAliveTimeout: 100 }),
    tls12: names('TLSv1.2'),
    tls13: names('TLSv1.3'),
    clients: https.createServer({ ...pair('a.example'), ca: read('root.pem'), requestCert: true }),
};
servers.three.maxRequestsPerSocket = 3;

const ports = {};
for (const [name, server] of Object.entries(servers)) {
    if (name !== 'impatient') server.keepAliveTimeout = 600000;
    server.on('request', serve).on('checkContinue', checkContinue);
    server.on(server instanceof https.Server ? 'secureConnection' : 'connection', (socket) => { socket.number = ++connections; });
    server.listen(0, '127.0.0.1', () => {
        ports[name] = server.address().port;
        if (Object.keys(ports).length === Object.keys(servers).length) console.log(JSON.stringify(ports));
    });
}
process.stdin.resume().on('end', () => process.exit(0));
