using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Gateway.Tests.Proxy;

/// <summary>Random requests near the real ones: corpus targets bent at a few places, headers that argue, bodies of logins.</summary>
internal static class FuzzCases
{
    /// <summary>Method and target. Those that pass are where a change of one character matters most.</summary>
    private static readonly string[][] Passing = Read("pass");
    private static readonly string[][] Shut = Read("shut");

    private static readonly string[] Pieces =
    [
        "/", "//", "/./", "/../", "..", ".", "%2e", "%2E%2e", "%2f", "%2F", "%252f", "%25", "%5c", "\\", ";", ";x=y", "?", "&", "#", "%00", "%0d%0a", "\r\n", "\0", " ", "\t",
        "%", "%zz", "%c0%af", "%ff", "%C3%A9", "\u00e9", "access_token=A", "user_id=@b:c", "%61ccess_token=A", "org.matrix.msc4140.delay=1", "admin", "register", "/_synapse/admin",
        "_matrix", "client", "v3", "unstable", "login", "openid/request_token", "http://evil.example", "@", ":", "+", "~", "*", "A", "a", "{}", "\u0001", "\u007f",
    ];

    private static readonly string[] Lines =
    [
        "Content-Length: 0", "Content-Length: 2", "Content-Length: +0", "Content-Length: 00", "content-length : 0", "Transfer-Encoding: chunked", "Transfer-Encoding: identity",
        "Transfer-Encoding: gzip, chunked", "X-Content-Length: 1", "Connection: close", "Connection: Upgrade", "Upgrade: h2c", "Expect: 100-continue", "Host: evil.example", "Host: chat.example",
        "Origin: https://evil.example", "Origin: https://chat.example", "X-Forwarded-For: 127.0.0.1", "X_Forwarded_For: 127.0.0.1", "Forwarded: for=127.0.0.1", "X-HTTP-Method-Override: DELETE",
        "Authorization: Bearer x", "Authorization: Basic x", "Cookie: __Host-sign-in=x", "Accept-Language: fr", "Accept-Language: \u00ff;q=9", "Content-Type: application/json",
        "Content-Type: application/x-www-form-urlencoded", "Content-Type: \u00e9", "Range: bytes=0-", "Accept: */*", " folded", "NoColon", ": empty", "X: \0", "X: a\rY: b", "X: a\nY: b", "Accept-Encoding: gzip",
    ];

    private static readonly string[] Methods = ["GET", "GET", "GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "CONNECT", "get", "G\0T", "GET /x HTTP/1.1\r\nX:"];

    private static readonly string[] Bodies =
    [
        "", "{}", "0\r\n\r\n", "2\r\n{}\r\n0\r\n\r\n", "{\"type\":\"m.login.password\",\"password\":\"AAAAA-AAAAA\"}", "{\"kind\":\"http\",\"data\":{\"url\":\"https://evil.example\"}}",
        "grant_type=authorization_code&code=x", "\u00ff\u00fe", "GET /_synapse/admin/v1/server_version HTTP/1.1\r\nHost: chat.example\r\n\r\n",
    ];

    private static readonly string[] Words =
    [
        "m.login.password", "m.login.token", "m.login.sso", "m.login.application_service", "org.matrix.login.jwt", "m.login.dummy", "", "AAAAA-AAAAA", "KDMWR-TBHQA", "@alice:chat.example", "alice",
        "\u0000", "\u202e", "\ud83d\udc9a", "syt_x", "..", "%2e", "A", "null", "true",
    ];

    private static readonly string[] Names =
        ["type", "password", "token", "user", "identifier", "device_id", "initial_device_display_name", "refresh_token", "medium", "address", "session", "auth", "TYPE", "p\u0061ssword"];

    /// <summary>A target, and the whole request in bytes around it.</summary>
    public static Gen<(string Target, byte[] Request)> Requests(string token) =>
        from real in Gen.Frequency((4, Gen.Elements(Passing)), (1, Gen.Elements(Shut)))
        from target in Bent(Gen.Constant(real[1]))
        from method in Gen.Frequency((9, Gen.Constant(real[0])), (1, Gen.Elements(Methods)))
        from before in Some(Lines)
        from after in Some(Lines)
        from authorized in Gen.Frequency((9, Gen.Constant(true)), (1, Gen.Constant(false)))
        from body in Gen.Frequency((6, Gen.Constant("")), (1, Gen.Elements(Bodies)))
        from version in Gen.Frequency((12, Gen.Constant("HTTP/1.1")), (1, Gen.Elements("HTTP/1.0", "HTTP/2.0", "http/1.1", "", "HTTP/1.1 ")))
        let lines = before.Append("Host: chat.example").Concat(authorized ? [$"Authorization: Bearer {token}"] : []).Concat(after)
        select (target, Encoding.Latin1.GetBytes($"{method} {target} {version}\r\n{string.Join("\r\n", lines)}\r\n\r\n{body}"));

    /// <summary>The body of a login: JSON that is nearly right, or bent.</summary>
    public static Gen<string> Logins() => Bent(
        from fields in (from name in Gen.Elements(Names) from value in Value() select $"\"{name}\":{value}").ListOf().Resize(6)
        select "{" + string.Join(',', fields) + "}");

    private static readonly string[] JsonTargets =
    [
        "POST /_matrix/client/v3/login", "POST /_matrix/client/r0/login", "POST /_matrix/client/api/v1/login", "POST /oauth2/register", "POST /_matrix/client/v3/delete_devices",
        "DELETE /_matrix/client/v3/devices/ANOTHER", "DELETE /_matrix/client/v3/devices/%C3%A9", "POST /_matrix/client/v3/pushers/set",
    ];

    private static readonly string[] Json =
    [
        """{"type":"m.login.password","identifier":{"type":"m.id.user","user":"alice"},"password":"KDMWR-TBHQA","device_id":"ANOTHER"}""",
        """{"type":"m.login.token","token":"x","device_id":"ANOTHER"}""",
        """{"redirect_uris":["io.element.android:/"],"client_name":"Element X","application_type":"native","token_endpoint_auth_method":"none"}""",
        """{"devices":["ANOTHER"],"auth":{"type":"m.login.password","session":"x","password":"KDMWR-TBHQA"}}""",
        """{"auth":{"type":"m.login.sso","session":"x"}}""",
        """{"refresh_token":"x"}""",
        """{"kind":"http","app_id":"a","pushkey":"k","data":{"url":"https://matrix.org/_matrix/push/v1/notify"}}""",
    ];

    private static readonly string[] FormFields =
    [
        "token={token}", "do=start", "do=code", "do=cancel", "code=KDMWR-TBHQA", "code=x", "grant_type=authorization_code", "grant_type=refresh_token", "refresh_token=x", "client_id=element-x-android",
        "redirect_uri=io.element.android%3A%2F", "code_verifier=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "token=x", "token=syt_alice_x", "token_type_hint=access_token", "%", "=", "a[]=b", "\ud83d\udc9a=\u00e9",
    ];

    private static readonly string[] FormTargets =
    [
        "POST /oauth2/token", "POST /oauth2/token", "POST /oauth2/revoke", "POST {page}", "POST {page}", "GET {page}", "GET {page}?code", "GET {page}?code=x&do=start",
        "GET /oauth2/authorize?response_type=code&client_id=element-x-android&redirect_uri=io.element.android%3A%2F&code_challenge_method=S256&code_challenge=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&scope=urn%3Amatrix%3Aclient%3Aapi%3A*%20urn%3Amatrix%3Aclient%3Adevice%3AX&state=a",
        "GET /_matrix/client/v3/login/sso/redirect?redirectUrl=element%3A%2F%2Fconnect", "GET /_matrix/client/v3/login/sso/redirect/gateway?redirectUrl=element%3A%2F%2Fconnect",
    ];

    private static readonly string[] FormTypes =
    [
        "application/x-www-form-urlencoded", "application/x-www-form-urlencoded", "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-16",
        "application/x-www-form-urlencoded;charset=x", "Application/X-WWW-form-urlencoded", "multipart/form-data; boundary=x", "application/json", "",
    ];

    /// <summary>JSON for every endpoint that the gateway answers itself: nearly right, or bent, or meant for another one.</summary>
    public static Gen<(string Method, string Target, string Body)> JsonRequests() =>
        from target in Gen.Elements(JsonTargets)
        from body in Gen.OneOf(Bent(Gen.Elements(Json)), Logins())
        select (target.Split(' ')[0], target.Split(' ')[1], body);

    /// <summary>Forms and addresses of signing in by browser.</summary>
    public static Gen<(string Method, string Target, string Type, string Body)> Forms() =>
        from start in Gen.Elements(FormTargets)
        let target = start.Split(' ')[1]
        from query in Bent(Gen.Constant(target.Contains('?', StringComparison.Ordinal) ? target[target.IndexOf('?', StringComparison.Ordinal)..] : ""))
        from type in Gen.Elements(FormTypes)
        from fields in Gen.Elements(FormFields).ListOf().Resize(6)
        from body in Bent(Gen.Constant(string.Join('&', fields)))
        select (start.Split(' ')[0], target.Split('?')[0] + Uri.EscapeDataString(query).Replace("%3F", "?", StringComparison.Ordinal).Replace("%26", "&", StringComparison.Ordinal).Replace("%3D", "=", StringComparison.Ordinal).Replace("%25", "%", StringComparison.Ordinal), type, body);

    private static Gen<string> Value() => Gen.Frequency(
        (6, Gen.Elements(Words).Select(word => System.Text.Json.JsonSerializer.Serialize(word))),
        (1, Gen.Elements("null", "true", "1", "1e999", "[]", "{}", "[[[[]]]]", "{\"type\":\"m.id.user\",\"user\":\"x\"}", "\"\\ud800\"", "-0", "NaN")));

    /// <summary>The text with up to four pieces put in, or parts cut out, anywhere.</summary>
    private static Gen<string> Bent(Gen<string> texts) =>
        from text in texts
        from changes in (from place in Gen.Choose(0, 10_000) from piece in Gen.Elements(Pieces) from cut in Gen.Choose(0, 3) select (place, piece, cut)).ListOf().Resize(2)
        select changes.Aggregate(text, (bent, change) =>
        {
            var at = change.place % (bent.Length + 1);
            return bent[..at] + (change.cut == 0 ? "" : change.piece) + bent[Math.Min(bent.Length, at + (change.cut == 3 ? 0 : change.cut))..];
        });

    /// <summary>None, mostly; else one or two.</summary>
    private static Gen<string[]> Some(string[] choices) =>
        from count in Gen.Elements(0, 0, 0, 1, 1, 2)
        from one in Gen.Elements(choices)
        from other in Gen.Elements(choices)
        select new[] { one, other }[..count];

    private static string[][] Read(string expected) =>
        [.. CorpusCase.Read("targets.txt").Where(one => one.Expected == expected && !one.Text.Contains('\\', StringComparison.Ordinal)).Select(one => one.Text.Split(' ', 2))];
}
