using Gateway.Onboarding.LoginGrants;
using Gateway.Onboarding.Store;
using Gateway.Proxy;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Login;

/// <summary>
/// Signing in by browser, as the member sees it: the page that says who, where and with which app; the number that the
/// admin compares; the way back to the app. The tunnel says who it is; a tap alone proves nothing.
/// </summary>
internal sealed class SignInEndpoint(
    SignIns signIns, ClientApps apps, Logins logins, LoginThrottle throttle, MemberPage pages, StateWriter writer, GatewayOptions gateway)
{
    private const string Cookie = "__Host-sign-in";
    private const string Path = "/sign-in/";
    private const int MaxForm = 4 * 1024;

    /// <summary>GET /_matrix/client/v3/login/sso/redirect: the app's wish, in the member's browser.</summary>
    public Task RedirectAsync(HttpContext context, DeviceEntry device)
    {
        var address = context.Request.Query["redirectUrl"];
        return address.Count == 1 && Find(device, address[0]) is { } app
            ? StartAsync(context, device, app, new SignInRequest.Sso(address[0]!))
            : SayAsync(context, StatusCodes.Status400BadRequest, LoginTexts.UnknownAppTitle, LoginTexts.UnknownApp);
    }

    /// <summary>The app that owns this address, for this device.</summary>
    public ClientApp? Find(DeviceEntry device, string? address) =>
        apps.Find(address, writer.Current.Devices.GetValueOrDefault(device.Id)?.System);

    /// <summary>Opens a sign-in and shows its page, where a grant is armed.</summary>
    public async Task StartAsync(HttpContext context, DeviceEntry device, ClientApp app, SignInRequest request)
    {
        // A frame, or a script's call, is no member who looks at a page.
        if (!IsOrAbsent(context.Request.Headers["Sec-Fetch-Mode"], "navigate") || !IsOrAbsent(context.Request.Headers["Sec-Fetch-Dest"], "document"))
        {
            await MatrixAnswer.ForbiddenAsync(context, "This page is opened by a person, in a window of its own");
            return;
        }

        if (logins.Armed(device.Id) is null)
        {
            await SayAsync(context, StatusCodes.Status403Forbidden, LoginTexts.NoGrantTitle, LoginTexts.NoGrant);
            return;
        }

        var opened = signIns.Open(device.Id, app, request);
        context.Response.Cookies.Append(Cookie, opened.BrowserSecret, new CookieOptions
        {
            HttpOnly = true,
            Secure = true,
            SameSite = SameSiteMode.Strict,
            Path = "/",
            IsEssential = true,
        });
        await ShowAsync(context, opened.SignIn);
    }

    /// <summary>GET and POST /sign-in/{id}.</summary>
    public async Task PageAsync(HttpContext context, DeviceEntry device)
    {
        var id = context.Request.Path.Value!.StartsWith(Path, StringComparison.Ordinal) ? context.Request.Path.Value[Path.Length..] : "";
        if (signIns.Find(device.Id, id, context.Request.Cookies[Cookie]) is not { } signIn)
        {
            await SayAsync(context, StatusCodes.Status404NotFound, LoginTexts.OverTitle, LoginTexts.StartAgain);
        }
        else if (context.Request.Method == "POST")
        {
            await ActAsync(context, signIn);
        }
        else
        {
            await ShowAsync(context, signIn, typesCode: context.Request.Query.ContainsKey("code"));
        }
    }

    /// <summary>A page that ends here.</summary>
    public Task SayAsync(HttpContext context, int status, string title, string? explanation = null) =>
        pages.SendAsync<SignInPage>(context, status, new SignInPage.View { ServerName = gateway.ServerName, Title = title, Explanation = explanation });

    private async Task ActAsync(HttpContext context, SignIn signIn)
    {
        if (await ReadFormAsync(context) is not { } form || !signIn.HasToken(form["token"].ToString()))
        {
            await SayAsync(context, StatusCodes.Status403Forbidden, LoginTexts.OverTitle, LoginTexts.StartAgain);
            return;
        }

        switch (form["do"].ToString())
        {
            case "start" when signIn.State == SignInState.Opened && !signIns.Ask(signIn):
                // Another app on the phone may have used the numbers up: the code still works.
                await ShowAsync(context, signIn, typesCode: true, LoginTexts.TooManyNumbers, StatusCodes.Status429TooManyRequests);
                return;
            case "code" when signIn.State is SignInState.Opened or SignInState.Waiting && Fault(signIn, form["code"]) is { } fault:
                await ShowAsync(context, signIn, typesCode: true, fault);
                return;
            case "cancel":
                signIns.Finish(signIn, SignInEnd.Cancelled);
                break;
        }

        MemberPage.Protect(context.Response.Headers);
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = Path + signIn.Id;
    }

    /// <summary>Proves the sign-in by the code, or says in which way it does not.</summary>
    private string? Fault(SignIn signIn, string? typed)
    {
        if (LoginCode.TryParse(typed) is not { } code)
        {
            return LoginTexts.WrongLetters;
        }

        if (throttle.Try(signIn.Device) is not null)
        {
            return LoginTexts.TooManyTries;
        }

        if (logins.Find(signIn.Device, new LoginProof.Code(code)) is not { } grant)
        {
            return LoginTexts.WrongCode;
        }

        throttle.Forget(signIn.Device);
        signIns.Prove(signIn, new LoginProof.Approval(grant.Id));
        return null;
    }

    private Task ShowAsync(HttpContext context, SignIn signIn, bool typesCode = false, string? fault = null, int status = StatusCodes.Status200OK)
    {
        if (signIn.State != SignInState.Ended && (signIn.Proof is { } proof ? logins.Find(signIn.Device, proof) : logins.Armed(signIn.Device)) is null)
        {
            signIns.Finish(signIn, SignInEnd.Late);
            return SayAsync(context, StatusCodes.Status403Forbidden, LoginTexts.NoGrantTitle, LoginTexts.NoGrant);
        }

        var device = writer.Current.Devices.GetValueOrDefault(signIn.Device);
        var member = device is null ? null : writer.Current.Members.GetValueOrDefault(device.Member);
        var view = new SignInPage.View
        {
            ServerName = gateway.ServerName,
            Title = LoginTexts.OverTitle,
            Id = signIn.Id,
            FormToken = signIn.FormToken,
            Member = member?.DisplayName ?? member?.Localpart.ToString() ?? "",
            Device = device?.Name ?? "",
            App = signIn.App.Name == ClientApps.Loopback ? null : signIn.App.Name,
            Number = signIn.Number,
            Fault = fault,
        };
        return pages.SendAsync<SignInPage>(context, status, signIn.State switch
        {
            SignInState.Opened or SignInState.Waiting when typesCode => view with { Step = SignInPage.Step.TypeCode, Title = LoginTexts.CodeTitle },
            SignInState.Opened => view with { Step = SignInPage.Step.Confirm, Title = LoginTexts.ConfirmTitle },
            SignInState.Waiting => view with { Step = SignInPage.Step.Wait, Title = LoginTexts.WaitTitle },
            SignInState.Proved when signIns.Token(signIn) is { } token => view with { Title = LoginTexts.ProvedTitle, Explanation = LoginTexts.OpensByItself, GoesOn = true, Continue = signIn.Request.Back(token) },
            _ when signIn.End is SignInEnd.Used => view with { Title = LoginTexts.UsedTitle, Explanation = LoginTexts.Used },
            _ => view with { Explanation = Words(signIn.End), Continue = signIn.Request.Refused },
        });
    }

    private static string Words(SignInEnd end) => end switch
    {
        SignInEnd.Replaced => LoginTexts.Replaced,
        SignInEnd.Refused => LoginTexts.Refused,
        SignInEnd.Cancelled => LoginTexts.Cancelled,
        _ => LoginTexts.Late,
    };

    /// <summary>The form, if our own page sent it. A page without a referrer says <c>Origin: null</c>, and browsers of old say nothing.</summary>
    private async Task<IFormCollection?> ReadFormAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        if (!IsOrAbsent(headers["Sec-Fetch-Site"], "same-origin")
            || !(IsOrAbsent(headers.Origin, "null") || IsOrAbsent(headers.Origin, $"https://{gateway.ServerName}")))
        {
            return null;
        }

        return await FormBody.ReadAsync(context, MaxForm);
    }

    private static bool IsOrAbsent(Microsoft.Extensions.Primitives.StringValues header, string value) =>
        header.Count == 0 || (header.Count == 1 && header[0] == value);
}

/// <summary>Small forms, urlencoded and no other kind.</summary>
internal static class FormBody
{
    /// <summary>Null where the body is something else, or too large.</summary>
    public static async Task<IFormCollection?> ReadAsync(HttpContext context, int most)
    {
        if (context.Request.ContentType?.Split(';')[0].Trim() != "application/x-www-form-urlencoded")
        {
            return null;
        }

        try
        {
            if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            {
                size.MaxRequestBodySize = most;
            }

            return await context.Request.ReadFormAsync(new FormOptions { ValueCountLimit = 32, ValueLengthLimit = most }, context.RequestAborted);
        }
        catch (Exception e) when (e is InvalidDataException or BadHttpRequestException)
        {
            return null;
        }
    }
}
