// What keeps a member's messages readable after the phone is gone: identity, recovery key and key backup, as apps set
// them up and take them over. `app.client` is the client of the moment; `sdk` is matrix-js-sdk.
export function recovery(app, sdk) {
  let privateKey = null;

  /** Handed to every client: where the library asks for the recovery key. */
  const cryptoCallbacks = {
    getSecretStorageKey: async ({ keys }) => (privateKey ? [Object.keys(keys)[0], privateKey] : null),
    cacheSecretStorageKey: (_, __, key) => {
      privateKey = key;
    },
  };

  const createSecretStorageKey = async () => app.client.getCrypto().createRecoveryKeyFromPassphrase();

  /** User-Interactive Authentication as apps do it: first without, then with what the member types as the password. */
  const asking = (code) => async (request) => {
    try {
      return await request(null);
    } catch (error) {
      const stages = error.data?.flows?.map((flow) => flow.stages.join());
      if (code === null || error.httpStatus !== 401 || !stages?.includes('m.login.password')) {
        throw error;
      }

      return request({
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: app.client.getUserId() },
        password: code,
        session: error.data.session,
      });
    }
  };

  const instructions = {
    async setUpRecovery() {
      const crypto = app.client.getCrypto();
      const key = await createSecretStorageKey();
      await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: asking(null) });
      await crypto.bootstrapSecretStorage({ createSecretStorageKey: async () => key, setupNewKeyBackup: true });
      return { recoveryKey: key.encodedPrivateKey };
    },

    async recover({ recoveryKey }) {
      const crypto = app.client.getCrypto();
      privateKey = sdk.decodeRecoveryKey(recoveryKey);
      await crypto.bootstrapCrossSigning({});
      await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
      await crypto.checkKeyBackupAndEnable();
    },

    async sendInSlashedSession({ room, text }) {
      // Half of all IDs have one: 40 tries without are one in 10^12.
      for (let attempt = 0; attempt < 40; attempt++) {
        await app.client.getCrypto().forceDiscardSession(room);
        const { event_id: event } = await app.client.sendTextMessage(room, text);
        const { session_id: session } = app.client.getRoom(room).findEventById(event).getWireContent();
        if (session.includes('/')) {
          return { session, event };
        }
      }

      throw new Error('no session ID with a slash in 40');
    },

    async resetIdentity({ code }) {
      const crypto = app.client.getCrypto();
      await crypto.resetEncryption(asking(code));
      await crypto.bootstrapSecretStorage({ createSecretStorageKey });
      return { masterKey: await crypto.getCrossSigningKeyId() };
    },

    endSession: ({ session, code }) => asking(code)((auth) => app.client.deleteDevice(session, auth ?? undefined)),
  };

  return { cryptoCallbacks, instructions };
}
