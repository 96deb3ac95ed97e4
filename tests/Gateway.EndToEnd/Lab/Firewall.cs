using System.Globalization;

namespace Gateway.EndToEnd.Lab;

/// <summary>The nftables table that ships with the gateway, loaded in the server's namespace.</summary>
public sealed class Firewall(NetworkNamespace server, GatewayHost gateway)
{
    private static readonly string Table = Path.Combine(AppContext.BaseDirectory, "Lab", "gateway.nft");

    public async Task LoadAsync()
    {
        var definitions = string.Create(CultureInfo.InvariantCulture, $$"""
            define interface = "{{gateway.Link}}"
            define network = {{gateway.Settings["Tunnel:Network"]}}
            define address = {{gateway.TunnelAddress}}
            define ports = { 443, {{gateway.Settings["Console:TunnelPort"]}} }

            """);
        (await server.FeedAsync(definitions + await File.ReadAllTextAsync(Table), "nft", "-f", "-")).Expect();
    }

    /// <summary>Without the table for the length of a story: what holds then, the gateway holds alone.</summary>
    public async Task<IAsyncDisposable> OpenAsync()
    {
        (await server.RunAsync("nft", "delete", "table", "inet", "gateway")).Expect();
        return new Again(this);
    }

    private sealed class Again(Firewall firewall) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await firewall.LoadAsync();
    }
}
