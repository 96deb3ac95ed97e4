using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Options;

namespace Gateway.Listening;

/// <summary>
/// The member listener's certificate, taken anew when its files change. Handshakes use what is current when they
/// begin, so connections that stand are not touched; files that cannot be used leave the old certificate in place.
/// </summary>
internal sealed partial class MemberCertificate(IOptions<CertificateOptions> options, TimeProvider time, ILogger<MemberCertificate> log)
    : BackgroundService
{
    /// <summary>Let's Encrypt renews 30 days before the end; half of that is a renewal that does not work.</summary>
    public static readonly TimeSpan SoonOver = TimeSpan.FromDays(14);

    /// <summary>The files are small: reading them is cheaper than trusting what a file system tells about changes.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    private PemPair? _loaded;
    private volatile SslStreamCertificateContext? _current;

    /// <summary>Why the files as they are now cannot be used; null where they are in use.</summary>
    public string? Fault { get; private set; }

    public X509Certificate2 Leaf => Current.TargetCertificate;

    private SslStreamCertificateContext Current => _current ?? throw new InvalidOperationException("The certificate is asked for before it was loaded.");

    /// <summary>How to answer a handshake that begins now, with the whole chain.</summary>
    public SslServerAuthenticationOptions HandshakeOptions() => new()
    {
        ServerCertificateContext = Current,
#pragma warning disable CA5398 // Said here, so that no system default lets an older version in.
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
#pragma warning restore CA5398
        ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
    };

    /// <summary>Loads before any listener opens; without a certificate there is nothing to listen with.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        var pair = PemPair.Read(options.Value);
        _current = pair.Load();
        _loaded = pair;
        await base.StartAsync(cancellationToken);
    }

    /// <summary>One look at the files.</summary>
    internal void Refresh()
    {
        try
        {
            var pair = PemPair.Read(options.Value);
            if (!pair.Same(_loaded))
            {
                _current = pair.Load();
                _loaded = pair;
                LogLoaded(Leaf.Subject, Leaf.NotAfter.ToUniversalTime());
            }

            Fault = null;
        }
        catch (CertificateException fault)
        {
            if (Fault != fault.Message)
            {
                LogUnusable(fault.Message);
            }

            Fault = fault.Message;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            Refresh();
        }
    }

    [LoggerMessage(LogLevel.Information, "New certificate in use: {Subject}, valid until {NotAfter:u}.")]
    private partial void LogLoaded(string subject, DateTime notAfter);

    [LoggerMessage(LogLevel.Error, "The certificate's files changed and cannot be used, the old certificate stays: {Reason}")]
    private partial void LogUnusable(string reason);
}
