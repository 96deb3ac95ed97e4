namespace Gateway.Benchmarks.Beside;

/// <summary>
/// What people put before a homeserver instead, each set up as its own documentation advises for speed: connections to the
/// homeserver kept, as many threads as there are processors, no log of requests.
/// </summary>
internal sealed class Rivals(string folder)
{
    private const int MostConnections = 19_000;

    public const string Nginx = "nginx";
    public const string NginxAuth = "nginx + auth_request";
    public const string NginxAuthKept = "nginx + auth_request, kept";
    public const string HAProxy = "HAProxy";
    public const string Caddy = "Caddy";

    /// <summary>What stands in for the homeserver: the same for everybody, and measured by nobody.</summary>
    public Task<Contestant> BackendAsync()
    {
        Directory.CreateDirectory(Path.Combine(folder, "files"));
        return NginxAsync("backend", Place.Backend, 0, $$"""
            server {
              listen 127.0.0.1:{{Place.Backend}};
              root {{folder}}/files;
              client_max_body_size 100m;
              client_body_buffer_size 64m;
              location / {
                default_type application/json;
                add_header Cache-Control "no-cache, no-store, must-revalidate";
                add_header Access-Control-Allow-Origin "*";
                add_header Access-Control-Allow-Methods "GET, HEAD, POST, PUT, DELETE, OPTIONS";
                return 200 '{"next_batch":"s72594_4483_1934","filler":"{{new string('x', 300 - 46)}}"}';
              }
              location /_matrix/media/v3/download/ { try_files /media =404; }
              location /_matrix/media/v3/upload { proxy_pass http://127.0.0.1:{{Place.Backend}}/sink; }
            }
            """);
    }

    public Task<Contestant> NginxAsync(int homeserver = Place.Backend) => NginxAsync(Nginx, 8201, 8301, Server(8201, 8301, "", homeserver: homeserver));

    /// <summary>
    /// Device, path and token are checked for each request by asking another server, as nginx's documentation shows it: a
    /// connection for each question. Who answers belongs to the price; here it is nginx itself, with one comparison.
    /// </summary>
    public Task<Contestant> NginxAuthAsync() => NginxAsync(NginxAuth, 8202, 8302, $$"""
        {{Server(8202, 8302, "auth_request /policy;")}}
        {{PolicyServer(8402)}}
        upstream policy { server 127.0.0.1:8402; }
        """);

    /// <summary>The same with connections that are kept.</summary>
    public Task<Contestant> NginxAuthKeptAsync() => NginxAsync(NginxAuthKept, 8207, 8307, $$"""
        {{Server(8207, 8307, "auth_request /policy;", kept: true)}}
        {{PolicyServer(8407)}}
        upstream policy { server 127.0.0.1:8407; keepalive 256; keepalive_requests 1000000000; }
        """);

    public Task<Contestant> HAProxyAsync(int homeserver = Place.Backend)
    {
        const int plain = 8203;
        const int tls = 8303;
        var file = Path.Combine(folder, "haproxy.cfg");
        File.WriteAllText(file, $"""
            global
              maxconn 9400
              nbthread {Environment.ProcessorCount}
              ssl-default-bind-options ssl-min-ver TLSv1.2
            defaults
              mode http
              timeout connect 5s
              timeout client 10m
              timeout server 10m
              http-reuse always
              option forwardfor
            frontend members
              bind 127.0.0.1:{plain}
              bind 127.0.0.1:{tls} ssl crt {folder}/both.pem alpn h2,http/1.1
              default_backend homeserver
            backend homeserver
              server one 127.0.0.1:{homeserver} pool-max-conn -1

            """);
        return Contestant.StartAsync(HAProxy, plain, tls, folder, "haproxy", "-db", "-f", file);
    }

    public Task<Contestant> CaddyAsync()
    {
        const int plain = 8204;
        const int tls = 8304;
        var file = Path.Combine(folder, "Caddyfile");
        File.WriteAllText(file, $$"""
            {
            	admin off
            	auto_https off
            }
            http://{{Place.ServerName}}:{{plain}} {
            	bind 127.0.0.1
            	reverse_proxy 127.0.0.1:{{Place.Backend}}
            }
            https://{{Place.ServerName}}:{{tls}} {
            	bind 127.0.0.1
            	tls {{folder}}/certificate.pem {{folder}}/key.pem
            	reverse_proxy 127.0.0.1:{{Place.Backend}}
            }

            """);
        return Contestant.StartAsync(Caddy, plain, tls, folder, "caddy", "run", "--config", file, "--adapter", "caddyfile");
    }

    private static string PolicyServer(int port) => $$"""
        server {
          listen 127.0.0.1:{{port}};
          location / { if ($http_authorization = "Bearer {{Place.Token(0)}}") { return 204; } return 403; }
        }
        """;

    private static string Server(int plain, int tls, string check, bool kept = false, int homeserver = Place.Backend) => $$"""
        server {
          listen 127.0.0.1:{{plain}};
          listen 127.0.0.1:{{tls}} ssl http2;
          ssl_certificate certificate.pem;
          ssl_certificate_key key.pem;
          ssl_protocols TLSv1.2 TLSv1.3;
          client_max_body_size 100m;
          location / {
            {{check}}
            proxy_pass http://homeserver;
            proxy_set_header Host {{Place.ServerName}};
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto https;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_read_timeout 10m;
            proxy_request_buffering off;
          }
          {{(check.Length == 0 ? "" : $$"""
          location = /policy {
            internal;
            proxy_pass http://policy;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header X-Device $remote_addr;
            proxy_set_header X-Target $request_uri;
            {{(kept ? "proxy_http_version 1.1; proxy_set_header Connection \"\";" : "")}}
          }
          """)}}
        }
        upstream homeserver { server 127.0.0.1:{{homeserver}}; keepalive 256; keepalive_requests 1000000000; }
        """;

    private Task<Contestant> NginxAsync(string name, int plain, int tls, string servers)
    {
        var word = name.Replace(" ", "", StringComparison.Ordinal).Replace(",", "", StringComparison.Ordinal);
        var file = Path.Combine(folder, $"{word}.conf");
        File.WriteAllText(file, $$"""
            daemon off;
            worker_processes {{Environment.ProcessorCount}};
            worker_rlimit_nofile 20000;
            pid {{word}}.pid;
            error_log {{word}}.log error;
            events { worker_connections {{MostConnections}}; }
            http {
              access_log off;
              client_body_temp_path {{word}}-body;
              proxy_temp_path {{word}}-proxy;
              fastcgi_temp_path {{word}}-fastcgi;
              uwsgi_temp_path {{word}}-uwsgi;
              scgi_temp_path {{word}}-scgi;
              keepalive_requests 1000000000;
              keepalive_timeout 10m;
              {{servers}}
            }

            """);
        return Contestant.StartAsync(name, plain, tls, folder, "nginx", "-p", folder, "-e", $"{word}.log", "-c", file);
    }
}
