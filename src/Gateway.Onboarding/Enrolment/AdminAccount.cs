using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Matrix;
using Gateway.Onboarding.Store;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gateway.Onboarding.Enrolment;

/// <summary>
/// The gateway's own account on the homeserver: made once with the shared secret of the settings that we wrote, or found
/// where the admin made it. Afterwards it watches until the secret is gone from the homeserver.
/// </summary>
public sealed partial class AdminAccount(
    StateWriter writer, HomeserverAdmin admin, RegistrationSecret secret, Entropy entropy, TimeProvider time, ILogger<AdminAccount> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    private volatile bool _secretIsGone;
    private volatile string _lastFault = "not looked for yet";

    /// <summary>Why there is no account yet, in words for the admin; null once there is, also straight after a restart.</summary>
    public string? Fault => writer.Current.AdminAccountSince is null ? _lastFault : null;

    /// <summary>The homeserver still makes an account for whoever has the secret.</summary>
    public bool SecretIsOpen => writer.Current.AdminAccountSince is not null && !_secretIsGone;

    /// <summary>One look; nothing is asked any more once the account is there and the secret gone.</summary>
    public async Task KeepOnceAsync(CancellationToken cancellationToken)
    {
        if (_secretIsGone && writer.Current.AdminAccountSince is not null)
        {
            return;
        }

        try
        {
            if (writer.Current.AdminAccountSince is null && !await admin.IsThereAsync(cancellationToken))
            {
                await admin.MakeAsync(secret, entropy, cancellationToken);
            }

            if (writer.Current.AdminAccountSince is null)
            {
                writer.Write(new AdminAccountMade { At = time.GetUtcNow() });
                Made();
            }

            _secretIsGone = !await admin.TakesAsync(secret, entropy, cancellationToken);
        }
        catch (HomeserverException e)
        {
            _lastFault = e.Message;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await KeepOnceAsync(stoppingToken);
            }
            catch (StoreException e)
            {
                _lastFault = e.Message;
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The homeserver has the gateway's own account now: write its settings again (gateway homeserver-config) and restart it, so that the shared secret is gone")]
    private partial void Made();
}
