using Gateway.Listening;
using Gateway.Tests.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Listening;

public sealed class MemberCertificateTests : IDisposable
{
    private readonly SomeCertificates _files = new();
    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogger<MemberCertificate> _log = new();
    private readonly MemberCertificate _certificate;

    public MemberCertificateTests() => _certificate = new(Options.Create(_files.Options), _time, _log);

    public void Dispose()
    {
        _certificate.Dispose();
        _files.Dispose();
    }

    [Fact]
    public async Task Changed_files_are_seen_within_seconds()
    {
        _files.Write("first");
        await _certificate.StartAsync(CancellationToken.None);
        try
        {
            Assert.Equal("CN=first", _certificate.Leaf.Subject);
            _files.Write("second");
            await Eventually.Is(
                () =>
                {
                    _time.Advance(TimeSpan.FromSeconds(5));
                    return _certificate.Leaf.Subject == "CN=second";
                },
                TimeSpan.FromSeconds(20));
        }
        finally
        {
            await _certificate.StopAsync(CancellationToken.None);
        }
    }

    [Fact]
    public async Task A_half_written_pair_leaves_the_old_one_until_it_is_whole()
    {
        await StartWith("first");

        _files.Write("second", key: false);
        _certificate.Refresh();
        _certificate.Refresh();

        Assert.Equal("CN=first", _certificate.Leaf.Subject);
        Assert.NotNull(_certificate.Fault);
        Assert.Single(_log.Collector.GetSnapshot(), line => line.Level == LogLevel.Error);

        _files.Write("third");
        _certificate.Refresh();

        Assert.Equal("CN=third", _certificate.Leaf.Subject);
        Assert.Null(_certificate.Fault);
    }

    [Theory]
    [InlineData("chain.pem", "not PEM")]
    [InlineData("chain.pem", "")]
    [InlineData("key.pem", "not PEM")]
    [InlineData("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]
    [InlineData("key.pem", null)]
    public async Task Unusable_files_leave_the_old_certificate(string file, string? text)
    {
        await StartWith("first");
        if (text is null)
        {
            _files.Delete(file);
        }
        else
        {
            _files.Replace(file, text);
        }

        _certificate.Refresh();

        Assert.Equal("CN=first", _certificate.Leaf.Subject);
        Assert.NotNull(_certificate.Fault);
    }

    [Fact]
    public async Task The_old_pair_put_back_is_no_fault_any_more()
    {
        await StartWith("first");
        var key = await File.ReadAllTextAsync(_files.Options.KeyPath);
        _files.Replace("key.pem", "not PEM");
        _certificate.Refresh();

        _files.Replace("key.pem", key);
        _certificate.Refresh();

        Assert.Null(_certificate.Fault);
    }

    [Fact]
    public async Task Without_a_certificate_it_does_not_start() =>
        await Assert.ThrowsAsync<CertificateException>(() => _certificate.StartAsync(CancellationToken.None));

    [Fact]
    public void Configuration_faults_are_all_named()
    {
        Assert.Equal(2, Faults(new()).Count);
        Assert.Equal(2, Faults(_files.Options).Count);

        _files.Write("first");
        Assert.Empty(Faults(_files.Options));

        _files.Write("second", chain: false);
        Assert.Contains("do not belong together", Assert.Single(Faults(_files.Options)), StringComparison.Ordinal);
    }

    private async Task StartWith(string subject)
    {
        _files.Write(subject);
        await _certificate.StartAsync(CancellationToken.None);
        await _certificate.StopAsync(CancellationToken.None);
    }

    private static List<string> Faults(CertificateOptions options) => [.. new CertificateOptionsValidator().Validate(null, options).Failures ?? []];
}
